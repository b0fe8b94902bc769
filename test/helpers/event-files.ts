/** Reads TensorBoard's event files with protobufjs, which `.ci/tensorboard` installs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { crc32c } from '../../src/node/track/crc32c.js';

const MANIFEST = fileURLToPath(new URL('../../../.ci/tensorboard/package.json', import.meta.url));

/** Of TensorFlow's event.proto and summary.proto, what is read here. */
const PROTO = `syntax = "proto3";
  message Event {
    double wall_time = 1; int64 step = 2;
    oneof what { string file_version = 3; bytes graph_def = 4; Summary summary = 5; SessionLog session_log = 7; }
  }
  message Summary { message Value { string tag = 1; oneof value { float simple_value = 2; } } repeated Value value = 1; }
  message SessionLog { enum SessionStatus { STATUS_UNSPECIFIED = 0; START = 1; STOP = 2; } SessionStatus status = 1; }`;

export interface ReadEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  sessionLog?: { status: string };
  summary?: { value: { tag: string; simpleValue: number }[] };
}

interface Protobuf {
  parse(text: string): {
    root: { lookupType(name: string): { decode(bytes: Uint8Array): unknown; toObject(message: unknown, how: object): unknown } };
  };
}

/** Why event files cannot be read here; undefined if they can. */
export const whyNoReader = existsSync(join(MANIFEST, '../node_modules/protobufjs'))
  ? undefined
  : 'protobufjs is not here (npm --prefix .ci/tensorboard ci --ignore-scripts)';

/** The records of an event file, whose lengths and checksums must be right. */
export function recordsOf(file: string): Uint8Array[] {
  const bytes = readFileSync(file);
  const records: Uint8Array[] = [];
  const checked = (from: number, to: number) => {
    const crc = crc32c(bytes.subarray(from, to));
    const rotated = ((crc >>> 15) | (crc << 17)) >>> 0;
    assert.is(bytes.readUInt32LE(to), (rotated + 0xa282ead8) % 2 ** 32, `checksum of the bytes ${from} to ${to}`);
    return bytes.subarray(from, to);
  };
  for (let at = 0; at < bytes.length;) {
    checked(at, at + 8);
    const end = at + 12 + Number(bytes.readBigUInt64LE(at));
    records.push(checked(at + 12, end));
    at = end + 4;
  }
  return records;
}

/** The event files of a folder in the order in which TensorBoard reads them. */
export const eventFiles = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.includes('tfevents'))
    .sort()
    .map((name) => join(dir, name));

/** The events of a file. */
export function readEvents(file: string): ReadEvent[] {
  const protobuf = createRequire(MANIFEST)('protobufjs') as Protobuf;
  const type = protobuf.parse(PROTO).root.lookupType('Event');
  const how = { longs: Number, enums: String };
  const decoded = (record: Uint8Array) => type.toObject(type.decode(record), how) as Omit<ReadEvent, 'step'>;
  return recordsOf(file).map((record) => ({ step: 0, ...decoded(record) })); // a zero is left out
}

/** The points of a curve, [step, value]. */
export const curveOf = (events: readonly ReadEvent[], tag: string): [step: number, value: number][] =>
  events.flatMap(({ step, summary }) =>
    (summary?.value ?? []).filter((value) => value.tag === tag).map(({ simpleValue }): [number, number] => [step, simpleValue]),
  );
