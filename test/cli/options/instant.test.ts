import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { instant, instantIn } from '../../../src/cli/options/instant.js';

test('a date is in the unit of the timestamps, UTC where it names no offset; a number is as it stands', () => {
  const seconds = 888710400; // 1998-03-01
  for (const unit of [1, 1e3, 1e6, 1e9]) {
    const timestamps = [unit * 874724710, unit * 893286638];
    assert.is(instantIn(timestamps, '1998-03-01'), unit * seconds);
    assert.is(instantIn(timestamps, '1998-03-01T02:00:00+02:00'), unit * seconds);
    assert.is(instantIn(timestamps, '888710400'), seconds);
  }
  assert.is(instantIn([1], '-1.5'), -1.5);
});

test('what is neither a date nor a number is refused', () => {
  for (const text of ['1998-03-01', '1998-03-01 12:00', '1998-03-01T12:00:00.5Z', '0', '-1.5', '888710400000'])
    assert.is(instant(text), text);
  for (const text of ['', 'x', '01/12/2020', '2020-02-30', '1e9x', 'Infinity', '2020-13-01']) {
    assert.throws(() => instant(text), /Use a date, such as 1998-03-01 .*, or a timestamp\.$/, text);
  }
});

test.run();
