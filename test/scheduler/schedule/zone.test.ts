import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dstChanges } from '../../../src/scheduler/schedule/dst.ts';
import {
  instantOfWall,
  isKnownZone,
  offsetAt,
  segmentAt,
  zoneOf,
} from '../../../src/scheduler/schedule/zone.ts';
import { wallMs } from '../../property/wall-oracle.ts';
import { scheduleOf } from './schedules.ts';

const HOUR = 3_600_000;

describe('the table agrees with Intl at every hour', () => {
  test.each([
    ['two changes a week apart', 'America/Recife', '2000-10-01', 30],
    ['two changes a week apart, far ahead', 'Asia/Gaza', '2040-10-01', 30],
    ['changes in wartime', 'Africa/Tunis', '1943-04-01', 30],
    ['half an hour', 'Australia/Lord_Howe', '2024-03-25', 30],
    ['a skipped day', 'Pacific/Apia', '2011-12-20', 20],
    ['summer time that pauses for Ramadan', 'Africa/Casablanca', '2026-01-01', 365],
    ['no changes', 'Asia/Kolkata', '2026-01-01', 10],
  ])('%s: %s', (_, id, from, days) => {
    const zone = zoneOf(id);
    const start = Date.parse(from);
    for (let instant = start; instant < start + days * 24 * HOUR; instant += HOUR) {
      expect(offsetAt(zone, instant), new Date(instant).toISOString()).toBe(wallMs(id, instant) - instant);
    }
  });
});

describe('up to the year 9999', () => {
  const year = fc.oneof(
    fc.integer({ min: 1970, max: 9999 }),
    fc.constantFrom(2100, 2128, 2129, 2200, 2528, 2529, 9999),
  );
  const zoneId = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));

  test('every zone has the offsets that Intl has', () => {
    fc.assert(
      fc.property(zoneId, year, fc.integer({ min: 0, max: 365 * 24 * 3_600 - 1 }), (id, at, second) => {
        const instant = Date.UTC(at, 0, 1) + second * 1_000;
        expect(offsetAt(zoneOf(id), instant)).toBe(wallMs(id, instant) - instant);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the clocks change at the second that Intl has, and local times around it are found again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
        year,
        (id, at) => {
          const zone = zoneOf(id);
          for (const { atMs } of dstChanges(
            scheduleOf({ cron: '@daily', timezone: id }),
            Date.UTC(at, 0, 1),
            Date.UTC(at, 11, 31),
          )) {
            for (const instant of [atMs - 1_000, atMs])
              expect(wallMs(id, instant) - instant).toBe(offsetAt(zone, instant));
            expect(offsetAt(zone, atMs - 1)).not.toBe(offsetAt(zone, atMs));
            const later = atMs + 6 * HOUR;
            expect(instantOfWall(zone, wallMs(id, later))).toBe(later);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('local times', () => {
  test.each([
    ['plain', 'Europe/Berlin', '2024-07-01T12:00:00Z', '2024-07-01T10:00:00Z'],
    ['a gap moves on by its length', 'Europe/Berlin', '2024-03-31T02:30:00Z', '2024-03-31T01:30:00Z'],
    ['the first reading in a gap', 'Europe/Berlin', '2024-03-31T02:00:00Z', '2024-03-31T01:00:00Z'],
    ['the first reading after a gap', 'Europe/Berlin', '2024-03-31T03:00:00Z', '2024-03-31T01:00:00Z'],
    ['an overlap means its first pass', 'Europe/Berlin', '2024-10-27T02:30:00Z', '2024-10-27T00:30:00Z'],
    ['the first reading in an overlap', 'Europe/Berlin', '2024-10-27T02:00:00Z', '2024-10-27T00:00:00Z'],
    ['the first reading after an overlap', 'Europe/Berlin', '2024-10-27T03:00:00Z', '2024-10-27T02:00:00Z'],
    ['a skipped day', 'Pacific/Apia', '2011-12-30T12:00:00Z', '2011-12-30T22:00:00Z'],
    ['far west', 'Pacific/Niue', '2024-01-01T00:00:00Z', '2024-01-01T11:00:00Z'],
    ['far east', 'Pacific/Kiritimati', '2024-01-01T00:00:00Z', '2023-12-31T10:00:00Z'],
  ])('%s', (_, id, wall, instant) => {
    expect(new Date(instantOfWall(zoneOf(id), Date.parse(wall))).toISOString()).toBe(
      instant.replace('Z', '.000Z'),
    );
  });
});

test('asking far away and back again changes no answer', () => {
  const zone = zoneOf('America/Chicago');
  const instants = [
    '2026-07-01',
    '1890-01-01',
    '1955-07-01',
    '2250-07-01',
    '2026-07-01',
    '2199-12-31',
    '1900-01-01',
  ];
  const offsets = instants.map((text) => offsetAt(zone, Date.parse(text)) / HOUR);
  expect(offsets).toEqual([-5, -6, -5, -5, -5, -6, -6]);
  expect(zone.starts).toEqual([...zone.starts].sort((a, b) => a - b));
  expect(new Set(zone.starts).size).toBe(zone.starts.length);
  expect(zone.starts[segmentAt(zone, Date.parse('2026-07-01'))]).toBe(Date.parse('2026-03-08T08:00:00Z'));
});

test('names are asked of the tz database, not of what Intl takes besides', () => {
  expect(['Europe/Berlin', 'UTC', '+05:30', '-08', 'US/Eastern', 'Etc/GMT+5'].every(isKnownZone)).toBe(true);
  expect(['PST', 'BST', 'AET', 'SystemV/PST8', '', 'Nowhere/Else', '+5', '+24:00'].some(isKnownZone)).toBe(
    false,
  );
});
