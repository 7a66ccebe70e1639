/** Reasons on the wire: the code, its references, and the text in parts, so that clients need not parse it. */

import { type Static, Type } from 'typebox';
import { oneOf } from '../../scheduler/job/definition.ts';
import {
  idOf,
  partsOf,
  partText,
  type Reason,
  type ReasonPart,
  type ReasonRef,
  refsOf,
} from '../../scheduler/model/reason.ts';
import { iso } from './instants.ts';
import { instant, orNull, ref } from './shape.ts';

export const WireReason = Type.Object(
  {
    code: Type.String({
      description: 'Names the kind of reason, such as waits-for-runs. Later releases may add codes.',
    }),
    because: orNull(Type.String(), {
      description:
        'The code of the reason behind it: of the failure before a retry, or of a wait that took too long.',
    }),
    text: Type.String({ description: 'The reason in words, the same as in the field beside it.' }),
    refs: Type.Array(
      Type.Object({ kind: oneOf(['job', 'run', 'engine', 'node', 'pool', 'user']), name: Type.String() }),
      { description: 'What the reason refers to. The name of a run is its id.' },
    ),
    parts: Type.Array(
      Type.Object({
        text: Type.String(),
        run: Type.Optional(Type.Object({ id: Type.String(), job: Type.String(), due: instant() })),
        at: Type.Optional(instant()),
      }),
      { description: 'The text in pieces. Those that are runs or timestamps have run or at.' },
    ),
  },
  { $id: 'Reason', description: 'Why a run waits or ended so, or why a job is late or stands still.' },
);
export type WireReason = Static<typeof WireReason>;

export const why = orNull(ref(WireReason), { description: 'The reason as data: code, references and text.' });

export const kill = orNull(
  Type.Object({ at: instant(), by: Type.String(), reason: Type.String(), why: ref(WireReason) }),
  { description: 'The kill that was requested.' },
);

export const muted = orNull(
  Type.Object({ at: instant(), by: Type.String(), until: instant(), reason: Type.String() }),
  { description: 'Messages about the job are muted until then, which may have passed.' },
);

export function reasonToWire(reason: Reason): WireReason {
  const parts = partsOf(reason).map(partToWire);
  return {
    code: reason.code,
    because: 'because' in reason ? (reason.because?.code ?? null) : null,
    text: parts.map(({ text }) => text).join(''),
    refs: refsOf(reason).map(refToWire),
    parts,
  };
}

/** A text, as clients of 0.1.0 read it, and the reason beside it. */
export function whyOf(reason: Reason | null): { reason: string | null; why: WireReason | null } {
  const why = reason === null ? null : reasonToWire(reason);
  return { reason: why?.text ?? null, why };
}

function partToWire(part: ReasonPart): WireReason['parts'][number] {
  const text = partText(part);
  if (typeof part === 'string') return { text };
  if ('at' in part) return { text, at: iso(part.at) };
  return { text, run: { id: text, job: part.run.job, due: iso(part.run.due) } };
}

const refToWire = (each: ReasonRef): WireReason['refs'][number] =>
  'run' in each ? { kind: 'run', name: idOf(each.run) } : { ...each };
