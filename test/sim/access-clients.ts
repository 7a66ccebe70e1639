/** People who make and revoke tokens, nodes that add keys, and somebody who may nothing and tries. */

import { CarillonError } from '../../src/errors.ts';
import type { Asker } from '../../src/scheduler/access/principal.ts';
import type { AnswerTo, Command } from '../../src/scheduler/command.ts';
import type { ClientsParts } from './clients.ts';

const EVERY_MS = 90_000;

const asker = (name: string, role: 'admin' | 'viewer'): Asker => ({
  principal: { kind: 'person', name, id: name, bindings: [{ role }] },
  from: '10.0.0.7',
  via: null,
});
const admin = asker('ann', 'admin');
const stranger = asker('eve', 'viewer');

export class AccessClients {
  readonly #parts: ClientsParts;
  #requests = 0;
  #until = 0;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  begin(until: number): void {
    this.#until = until;
    this.#later();
  }

  #later(): void {
    const { time, random } = this.#parts;
    time.after(-Math.log(1 - random.next()) * EVERY_MS, () => {
      if (time.now >= this.#until) return;
      this.#ask();
      this.#later();
    });
  }

  #ask(): void {
    const { random, judge } = this.#parts;
    const id = String(++this.#requests).padStart(12, '0');
    const dice = random.next();
    const token = random.pick([...judge.access.tokens.keys()]);
    const job = random.pick([...judge.jobs.keys()]);
    const { access } = judge;
    if (dice < 0.4)
      this.#send(
        {
          ...{ kind: 'create-token', id, name: id, sha256: 'ab'.repeat(32) },
          ...{ bindings: [{ role: 'viewer' }], expiresAt: null, by: 'ann' },
        },
        admin,
        () => access.made.has(id),
      );
    else if (dice < 0.6 && token !== undefined)
      this.#send({ kind: 'revoke-token', id: token, by: 'ann' }, admin, () => !access.tokens.has(token));
    else if (dice < 0.7)
      this.#send({ kind: 'add-key', id, secret: id.padEnd(43, 'x'), by: 'node' }, undefined, ([newest]) =>
        access.madeKeys.has(newest?.id ?? ''),
      );
    else if (dice < 0.8)
      this.#send(
        { kind: 'end-sessions', id: 'eve', by: 'ann' },
        admin,
        ({ at }) => access.ends.get('eve')! >= at,
      );
    else if (job !== undefined) this.#try(job);
  }

  #try(name: string): void {
    const { onWrong } = this.#parts;
    this.#submit({ kind: 'pause', name, by: 'eve' }, stranger).then(
      () => onWrong(`eve paused ${name}, and may nothing`),
      () => undefined,
    );
  }

  /** What is answered must hold. */
  #send<C extends Command>(
    command: C,
    who: Asker | undefined,
    holds: (answer: AnswerTo<C>) => boolean,
  ): void {
    const { onWrong } = this.#parts;
    this.#submit(command, who).then(
      (answer) => {
        if (!holds(answer)) onWrong(`${command.kind} was acknowledged and is not durable`);
      },
      (error: unknown) => {
        if (!(error instanceof CarillonError)) onWrong(`${command.kind} failed: ${error}`);
      },
    );
  }

  #submit<C extends Command>(command: C, who: Asker | undefined): Promise<AnswerTo<C>> {
    const { nodes, random } = this.#parts;
    const asked = random.pick(nodes);
    const leader = asked.life?.election.leader()?.id;
    const { life } = nodes.find(({ id }) => id === leader) ?? asked;
    if (life === null || life.process.dead) return new Promise(() => undefined);
    return new Promise((resolve, reject) =>
      life.process.deliver(() => life.scheduler.submit(command, who).then(resolve, reject)),
    );
  }
}
