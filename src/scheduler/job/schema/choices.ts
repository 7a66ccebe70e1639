/** What the published schema of a job says of parts that exclude each other, and of names that are known. */

import { fixedZoneForm, writtenZones } from '../../schedule/zone-name.ts';

/** Names that are not Carillon's own. */
export const variables = (pattern: string) => ({
  propertyNames: { allOf: [{ pattern }, { not: { pattern: '^CARILLON_' } }] },
});

const none = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, false]));
const way = (required: string, without: readonly string[]) => ({
  required: [required],
  properties: none(without),
});

/** One program, or an image that brings one. */
export const oneWayToStart = {
  anyOf: [
    way('command', ['argv', 'entrypoint', 'args']),
    way('argv', ['command', 'entrypoint', 'args']),
    way('entrypoint', ['command', 'argv']),
    way('image', ['command', 'argv', 'entrypoint']),
  ],
  dependentSchemas: { network: { properties: { networks: false } } },
};

export const zoneNames = { anyOf: [{ enum: writtenZones() }, { pattern: fixedZoneForm }] };
