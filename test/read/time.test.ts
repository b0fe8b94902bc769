import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseTime } from '../../src/read/time.js';

test('dates are read in UTC unless they name an offset, which is honoured', () => {
  const seconds = Date.UTC(2020, 11, 31, 23, 59, 58) / 1000;
  const texts = [
    '2020-12-31 23:59:58',
    '2020-12-31T23:59:58Z',
    '2020-12-31T18:59:58-05:00',
    '2021-01-01 05:29:58+0530',
    '2021-01-01T00:59:58+01',
    '2020/12/31 23:59:58',
    'Thu Dec 31 15:59:58 -0800 2020',
    'Thu, 31 Dec 2020 23:59:58 GMT',
    'Fri, 01 Jan 2021 00:59:58 +0100',
    'December 31, 2020, 23:59:58',
  ];
  for (const text of texts) assert.is(parseTime(text), seconds, text);
  assert.is(parseTime('1970-01-01T00:00:00.25Z'), 0.25);
  for (const day of ['2016-02-29', '2016/2/29', '2016.02.29', 'Feb 29 2016', 'February 29, 2016', '29 Feb 2016', '29-Feb-2016']) {
    assert.is(parseTime(day), Date.UTC(2016, 1, 29) / 1000, day);
  }
});

test('what has two readings, or is no day that exists, is no time', () => {
  const texts = ['01/12/2020', '31/12/2020', '2021-02-30', '2020-13-01', '2015-02-29', '2020-01-01 24:00', '2020-01-01T00:60', '20-01-01'];
  for (const text of [...texts, '2020-01-01+99:00', '2020-01-01 00:00 +16:00', 'soon', '', '5 days ago', '2020-01/02', 'Xyz 1 2020']) {
    assert.ok(Number.isNaN(parseTime(text)), text);
  }
});

test('the zone of the machine does not matter', () => {
  const zone = process.env['TZ'];
  try {
    const times = ['UTC', 'America/New_York', 'Asia/Kolkata'].map((each) => {
      process.env['TZ'] = each;
      return parseTime('2020-07-01 12:00');
    });
    assert.equal(times, new Array(3).fill(Date.UTC(2020, 6, 1, 12) / 1000));
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test.run();
