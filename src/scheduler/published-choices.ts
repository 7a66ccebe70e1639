/** What the published schema of a job says of parts that exclude each other, and of names that are known. */

import { imageVariableForm, variableForm } from './forms.ts';
import { fixedZoneForm, writtenZones } from './schedule/zone-name.ts';

/** Names that are not Carillon's own. */
export const variables = (pattern: string) => ({
  propertyNames: { allOf: [{ pattern }, { not: { pattern: '^CARILLON_' } }] },
});

/** Ways to say what is started, and what each rules out. */
const programs: readonly (readonly [required: readonly string[], without: readonly string[]])[] = [
  [['command'], ['argv', 'entrypoint', 'args']],
  [['argv'], ['command', 'entrypoint', 'args']],
  [['entrypoint'], ['command', 'argv']],
];

const none = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, false]));

function way(required: readonly string[], without: readonly string[], form: string): object {
  return {
    required,
    properties: { ...none(without), env: variables(form), secrets: variables(form) },
  };
}

/** One program, or an image that brings one; without an image, variables as a shell knows them. */
export const oneWayToStart = {
  anyOf: [
    ...programs.map(([required, without]) => way(required, [...without, 'image'], variableForm)),
    ...programs.map(([required, without]) => way([...required, 'image'], without, imageVariableForm)),
    way(['image'], ['command', 'argv', 'entrypoint'], imageVariableForm),
  ],
  dependentSchemas: { network: { properties: { networks: false } } },
};

export const zoneNames = { anyOf: [{ enum: writtenZones() }, { pattern: fixedZoneForm }] };
