/** The schema of `run`: what a job runs, and its environment. */

import { Type } from 'typebox';
import { nodeChoiceForm, nodeNameForm } from '../node-choice.ts';
import { capabilityNames } from './capability-names.ts';
import { oneWayToStart, variables } from './choices.ts';
import { addressForm, hostNameForm, ownHostnameForm, ulimitName } from './container-forms.ts';
import { Fetch } from './fetch.ts';
import { mountForm, pathForm, portForm, sizeForm, textForm, variableForm, volumeForm } from './forms.ts';
import { closed, definitionLimits, oneOf, text, textMap, word } from './parts.ts';
import { needs, published } from './published.ts';
import { JobSecret, Secret } from './secret.ts';

/** A network mode belongs in `network`. */
const notAMode = { not: { pattern: '^(?:none|host|default|container:.*)$' } };

const bound = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER, description: '-1: none.' });
const Ulimit = Type.Object({ soft: bound, hard: Type.Optional(bound) }, closed);

const Capabilities = Type.Object(
  {
    add: Type.Optional(
      Type.Array(oneOf(capabilityNames), { maxItems: capabilityNames.length, uniqueItems: true }),
    ),
    drop: Type.Optional(
      Type.Array(oneOf([...capabilityNames, 'ALL']), {
        maxItems: capabilityNames.length,
        uniqueItems: true,
      }),
    ),
  },
  {
    ...closed,
    description: 'Linux capabilities, without CAP_. AUDIT_WRITE, MKNOD and NET_RAW are dropped unless added.',
  },
);

export const Run = Type.Object(
  {
    image: Type.Optional(text('Container image. Without one, the job is a process on the scheduler host.')),
    command: Type.Optional(
      Type.String({
        maxLength: definitionLimits.commandLength,
        minLength: 1,
        description: 'Command run by /bin/sh -c.',
        ...published({ pattern: textForm }),
      }),
    ),
    argv: Type.Optional(
      Type.Array(word, {
        minItems: 1,
        maxItems: 1_024,
        description: 'Program and arguments, without a shell.',
      }),
    ),
    entrypoint: Type.Optional(
      Type.Array(word, {
        minItems: 1,
        maxItems: 1_024,
        description: "Replaces the image's entrypoint. Together with args it equals argv.",
      }),
    ),
    args: Type.Optional(
      Type.Array(word, {
        // Engines interpret an empty list as the arguments of the image.
        minItems: 1,
        maxItems: 1_024,
        description: "Arguments for the image's entrypoint, or for entrypoint.",
      }),
    ),
    env: Type.Optional(
      textMap('Environment variables.', definitionLimits.env, {
        names: { ...variables(variableForm), ...needs('env') },
      }),
    ),
    secrets: Type.Optional(
      Type.Record(Type.String(), JobSecret, {
        maxProperties: definitionLimits.env,
        ...published({
          patternProperties: undefined,
          ...variables(variableForm),
          additionalProperties: JobSecret,
          ...needs('secrets'),
        }),
        description:
          'Secrets, read at launch and stored nowhere else: environment variables, or mounted files.',
      }),
    ),
    fetch: Type.Optional(
      Type.Array(Fetch, {
        minItems: 1,
        maxItems: definitionLimits.listLength,
        description: "Downloaded into the run's folder before the command starts. For processes only.",
      }),
    ),
    workdir: Type.Optional(text('Working directory.', pathForm)),
    user: Type.Optional(text('User to run as: a name or uid[:gid].')),
    resources: Type.Optional(
      Type.Object(
        {
          cpus: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 4_096 })),
          memory: Type.Optional(
            Type.String({
              maxLength: 32,
              description: 'Memory limit: bytes, or a number with a unit such as 128MiB or 1GB.',
              ...published({ pattern: sizeForm }),
            }),
          ),
          gpus: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_024 })),
          pids: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 4_194_304,
              description: 'Maximum number of processes and threads.',
            }),
          ),
          ioWeight: Type.Optional(
            Type.Integer({
              minimum: 10,
              maximum: 1_000,
              description: 'Share of disk access beside other jobs, which have 100 unless they set it.',
            }),
          ),
          shm: Type.Optional(
            Type.String({
              maxLength: 32,
              description: 'Size of /dev/shm. Default: 64MiB.',
              ...published({ pattern: sizeForm }),
            }),
          ),
        },
        closed,
      ),
    ),
    constraints: Type.Optional(
      Type.Array(text('Placement constraint, such as node.labels.zone==a'), {
        maxItems: definitionLimits.listLength,
      }),
    ),
    on: Type.Optional(
      Type.String({
        maxLength: definitionLimits.textLength,
        pattern: nodeChoiceForm,
        description:
          'The node on which a process runs: leader (default), any, or label conditions such as ' +
          'zone==a,disk!=hdd. Of several nodes it is the least loaded. On hosts also all, or all,zone==a: each of them.',
      }),
    ),
    host: Type.Optional(
      Type.String({
        maxLength: 256,
        pattern: `^(?!(?:all|any|leader)$)${nodeNameForm}$`,
        description: 'The host or node on which a process runs. Short for on: host==….',
      }),
    ),
    network: Type.Optional(text('Network mode or name. Default: none.')),
    networks: Type.Optional(
      Type.Array(text('Network name.', textForm, notAMode), {
        minItems: 1,
        maxItems: definitionLimits.listLength,
        uniqueItems: true,
        description: 'Names of several networks.',
      }),
    ),
    ports: Type.Optional(
      Type.Array(text('[[address:]published:]target[/udp]', portForm), {
        maxItems: definitionLimits.listLength,
        description: 'Ports published on the host while the job runs.',
      }),
    ),
    hostname: Type.Optional(
      text('Host name of the container. Default: chosen by the engine.', ownHostnameForm.source),
    ),
    hosts: Type.Optional(
      textMap('IP addresses by host name, for /etc/hosts.', definitionLimits.listLength, {
        names: { propertyNames: { pattern: hostNameForm.source } },
        value: addressForm.source,
      }),
    ),
    volumes: Type.Optional(
      Type.Array(text('source:target[:ro]', volumeForm), { maxItems: definitionLimits.listLength }),
    ),
    tmpfs: Type.Optional(
      textMap('In-memory folders: sizes by path, such as { /cache: 64MiB }', definitionLimits.listLength, {
        names: { propertyNames: { pattern: mountForm } },
        value: sizeForm,
      }),
    ),
    readOnly: Type.Optional(
      Type.Boolean({ description: "Make the container's root file system read-only. Default: false." }),
    ),
    init: Type.Optional(
      Type.Boolean({ description: 'Run an init as process 1, which forwards signals. Default: true.' }),
    ),
    ulimits: Type.Optional(
      Type.Record(Type.String(), Ulimit, {
        maxProperties: definitionLimits.listLength,
        ...published({
          patternProperties: undefined,
          propertyNames: { pattern: ulimitName.source },
          additionalProperties: Ulimit,
        }),
        description: 'Limits by name, such as { nofile: { soft: 1024, hard: 4096 } }. hard defaults to soft.',
      }),
    ),
    capabilities: Type.Optional(Capabilities),
    noNewPrivileges: Type.Optional(
      Type.Boolean({ description: 'Prevent setuid programs from gaining privileges. Default: false.' }),
    ),
    registry: Type.Optional(Type.Object({ secret: Secret }, { ...closed, ...published(needs('secrets')) })),
    pull: Type.Optional(
      oneOf(['missing', 'always', 'never'], {
        description: 'When to pull the image. Default: missing.',
      }),
    ),
    engine: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'The engine that runs the job. Default: the first configured engine that can.',
        ...published({ pattern: textForm }),
      }),
    ),
  },
  { ...closed, ...published(oneWayToStart) },
);
