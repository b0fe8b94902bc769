import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c } from '../../../src/node/track/crc32c.js';

const test = suite('CRC-32C');
const bytes = (of: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => of(i));

/** RFC 3720, B.4; the command is a SCSI read (10). Its checksums are in the order of the wire, lowest byte first. */
for (const [name, input, wire] of [
  ['32 bytes of zeroes', bytes(() => 0), 'aa36918a'],
  ['32 bytes of ones', bytes(() => 0xff), '43aba862'],
  ['32 bytes of incrementing 00..1f', bytes((i) => i), '4e79dd46'],
  ['32 bytes of decrementing 1f..00', bytes((i) => 31 - i), '5cdb3f11'],
  [
    'an iSCSI read command',
    Buffer.from('01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex'),
    '563a96d9',
  ],
] as const) {
  test(`RFC 3720: ${name}`, () => assert.is(crc32c(input), Buffer.from(wire, 'hex').readUInt32LE(0)));
}

test('the check value of the polynomial, and nothing', () => {
  assert.is(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  assert.is(crc32c(new Uint8Array()), 0);
});

test.run();
