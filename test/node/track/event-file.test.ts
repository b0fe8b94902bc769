import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventFile } from '../../../src/node/track/event-file.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { curveOf, eventFiles, readEvents, recordsOf, whyNoReader } from '../../helpers/event-files.js';

const test = suite('event files');

test('records have their lengths and checksums, and are in the file once they are flushed', async () => {
  const dir = join(temporaryFolder(), 'a', 'b');
  const file = await EventFile.create(dir);
  const later = await EventFile.create(dir);
  assert.equal(eventFiles(dir), [file.path, later.path]);
  file.flush();
  assert.is(recordsOf(file.path).length, 1);
  file.add({ wallTime: 1, step: 2, scalars: { a: 3 } });
  assert.is(recordsOf(file.path).length, 1);
  file.flush();
  file.flush();
  assert.is(recordsOf(file.path).length, 2);
  file.close();
  later.close();
});

if (whyNoReader) console.log(`skipped: reading event files with protobufjs: ${whyNoReader}`);
else {
  test('protobufjs reads what was written: steps of any size, names in any script, numbers that are finite', async () => {
    const file = await EventFile.create(temporaryFolder());
    file.add({ wallTime: 1700000000.25, step: 7, isStart: true });
    file.add({ wallTime: 2.5, step: 2 ** 40, scalars: { 'größe/λ 😀': 0.1, zero: 0, none: NaN, infinite: -Infinity } });
    file.flush();
    file.close();
    const [version, start, scalars] = readEvents(file.path);
    assert.is(version.fileVersion, 'brain.Event:2');
    assert.equal(start, { wallTime: 1700000000.25, step: 7, sessionLog: { status: 'START' } });
    assert.is(scalars.step, 2 ** 40);
    assert.equal(
      scalars.summary!.value.map(({ tag }) => tag),
      ['größe/λ 😀', 'zero'],
    );
    assert.equal(curveOf([scalars], 'größe/λ 😀'), [[2 ** 40, Math.fround(0.1)]]);
  });
}

test.run();
