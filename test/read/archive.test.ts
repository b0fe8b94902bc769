import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseInArchive } from '../../src/read/archive.js';

const chosen = (...names: string[]): (string | undefined)[] => {
  const { ratings, titles } = chooseInArchive(names, 'x.zip');
  return [ratings, titles];
};
const refusal = (...names: string[]): string => {
  try {
    return `chosen: ${chosen(...names).join()}`;
  } catch (error) {
    return (error as Error).message;
  }
};

test('the archives of MovieLens are known by the names in them', () => {
  assert.equal(chosen('ml-100k/README', 'ml-100k/u.data', 'ml-100k/u.item', 'ml-100k/u1.base'), ['ml-100k/u.data', 'ml-100k/u.item']);
  assert.equal(chosen('movies.csv', 'tags.csv', 'ratings.csv'), ['ratings.csv', 'movies.csv']);
  assert.equal(chosen('a/ratings.dat', 'b/movies.dat'), ['a/ratings.dat', undefined]);
  assert.equal(chosen('ratings.csv.gz'), ['ratings.csv.gz', undefined]);
});

test('of other archives the only table is taken, or the only one with rating in its name, which is said', () => {
  assert.equal(chosen('README.md', 'LICENSE', 'a/data.txt', '__MACOSX/a/._data.txt', '.DS_Store', 'plot.png'), ['a/data.txt', undefined]);
  const { ratings, note } = chooseInArchive(['BX-Books.csv', 'BX-Book-Ratings.csv'], 'x.zip');
  assert.equal([ratings, note], ['BX-Book-Ratings.csv', "x.zip: of its 2 files 'BX-Book-Ratings.csv' was read."]);
});

test('what stays unclear is refused with a list', () => {
  const unclear = 'x.zip: It is unclear which file of the archive holds the ratings: ';
  assert.is(refusal('a.csv', 'b.csv'), `${unclear}a.csv, b.csv; unpack it and name one.`);
  assert.is(refusal('a/u.data', 'b/u.data', 'c.csv'), `${unclear}a/u.data, b/u.data; unpack it and name one.`);
  assert.match(refusal(...Array.from({ length: 20 }, (_, k) => `part-${k}.csv`)), /part-11\.csv and 8 more; unpack it and name one\.$/);
  assert.is(refusal('readme.txt', 'x/'), 'x.zip: The archive holds no file of ratings.');
  assert.is(refusal(), 'x.zip: The archive holds no file of ratings.');
});

test.run();
