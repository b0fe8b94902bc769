/**
 * An event file of TensorBoard: records, one after the other, each a protocol buffer between its length and checksums.
 *
 *     length u64   crc u32 of the length   event   crc u32 of the event          all little-endian
 *
 *     Event    wall_time = 1 (double)   step = 2 (int64)   file_version = 3 | summary = 5 | session_log = 7
 *     Summary  value = 1, repeated: tag = 1, simple_value = 2 (float)           SessionLog  status = 1 (START is 1)
 *
 * The messages are TensorFlow's event.proto and summary.proto; a checksum is a CRC-32C, rotated and shifted as in its record_writer.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { makeFolder } from '../disk/folders.js';
import { crc32c } from './crc32c.js';

/** What happened at a step of training. */
export interface TrackedEvent {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
  /** The format's name, in the first event of a file. */
  fileVersion?: string | undefined;
  /** What was shown from this step on counts no more. */
  isStart?: boolean | undefined;
  /** Numbers by their names; those that are not finite are left out. */
  scalars?: Readonly<Record<string, number>> | undefined;
}

/** An event file under way: events wait until `flush` writes them, so that a process that is killed keeps what was flushed. */
export class EventFile {
  #waiting: Uint8Array[] = [];

  private constructor(
    readonly path: string,
    private readonly fd: number,
  ) {}

  /** Makes a file in a folder, which is made if it is missing. TensorBoard reads the files of a folder in the order of their names. */
  static async create(dir: string): Promise<EventFile> {
    await makeFolder(dir);
    const seconds = Math.floor(Date.now() / 1000);
    const name = `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname()}.${process.pid}.${String(made++).padStart(4, '0')}`;
    const path = join(dir, name);
    const file = new EventFile(path, openSync(path, 'wx'));
    file.add({ wallTime: seconds, step: 0, fileVersion: 'brain.Event:2' });
    return file;
  }

  add(event: TrackedEvent): void {
    this.#waiting.push(recordOf(encodeEvent(event)));
  }

  /** @throws the file system's error; then the file ends with a part of a record, and nothing more should be added */
  flush(): void {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Files that this process has made: two of one second are told apart. */
let made = 0;

function encodeEvent({ wallTime, step, fileVersion, isStart, scalars }: TrackedEvent): Uint8Array {
  const event = new PbfWriter();
  event.writeDoubleField(1, wallTime);
  event.writeVarintField(2, step);
  if (fileVersion !== undefined) event.writeStringField(3, fileVersion);
  if (scalars !== undefined) event.writeMessage(5, writeSummary, scalars);
  if (isStart) event.writeMessage(7, (_, log) => log.writeVarintField(1, 1), undefined);
  return event.finish();
}

function writeSummary(scalars: Readonly<Record<string, number>>, summary: PbfWriter): void {
  for (const [tag, number] of Object.entries(scalars)) {
    if (Number.isFinite(number)) summary.writeMessage(1, writeScalar, { tag, number });
  }
}

function writeScalar({ tag, number }: { tag: string; number: number }, value: PbfWriter): void {
  value.writeStringField(1, tag);
  value.writeFloatField(2, number);
}

function recordOf(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(16 + data.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return record;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
