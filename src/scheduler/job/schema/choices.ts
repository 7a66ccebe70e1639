/** Parts of the published job schema for fields that exclude each other and for known names. */

import { fixedZoneForm, writtenZones } from '../../schedule/zone-name.ts';

/** Names not reserved by Carillon. */
export const variables = (pattern: string) => ({
  propertyNames: { allOf: [{ pattern }, { not: { pattern: '^CARILLON_' } }] },
});

const none = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, false]));
const way = (required: string, without: readonly string[]) => ({
  required: [required],
  properties: none(without),
});

/** One program, or an image with a program. */
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
