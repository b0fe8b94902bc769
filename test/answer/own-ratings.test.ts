import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { matchRatings } from '../../src/answer/own-ratings.js';
import type { ModelInfo } from '../../src/answer/trained-model.js';
import { type Id, IdMap, NA } from '../../src/data/ids.js';

const test = suite("one person's ratings in the words of a model");

function infoOf(titles: [Id, string][], more: Id[] = []): ModelInfo {
  const ids = [...titles.map(([id]) => id), ...more];
  return { items: new IdMap([NA, ...ids]), titles: titles.length > 0 ? new Map(titles) : undefined } as unknown as ModelInfo;
}
const movieLens = infoOf([
  [1, 'Toy Story (1995)'],
  [2, 'GoldenEye (1995)'],
  [50, 'Star Wars (1977)'],
  [64, 'Shawshank Redemption, The (1994)'],
  [127, 'Godfather, The (1972)'],
  [260, 'Event Horizon (1997)'],
  [318, "Schindler's List (1993)"],
]);
/** Rows of item, rating and title. */
function match(info: ModelInfo, ...rows: [item: Id, rating: number, title?: string][]) {
  const titles = new Map(rows.flatMap(([item, , title]) => (title === undefined ? [] : [[item, title]])));
  return matchRatings(info, { items: rows.map(([item]) => item), ratings: rows.map(([, rating]) => rating), titles });
}

test('ids are taken where no title contradicts, in the kind of the model', () => {
  assert.equal(match(infoOf([], ['0001', '1']), ['0001', 5], ['1', 4]), {
    given: [
      ['0001', 5],
      ['1', 4],
    ],
    leftOut: [],
    note: undefined,
    problem: undefined,
  });
  const same = match(movieLens, ['1', 5, 'Toy Story'], ['64', 4, 'The Shawshank Redemption (1994)'], ['260', 3]);
  assert.equal(same.given, [
    [1, 5],
    [64, 4],
    [260, 3],
  ]);
  assert.is(same.note, undefined);
});

test("another catalogue's ids are never taken: titles decide, and what has none is left out", () => {
  const export1 = match(movieLens, ['260', 5, 'Star Wars: Episode IV - A New Hope (1977)']);
  assert.equal(export1.given, []);
  assert.equal(export1.leftOut, ['Star Wars: Episode IV - A New Hope (1977)']);
  assert.is(export1.problem, undefined);
  assert.match(
    export1.note!,
    /^The ids are not those of the model: 260 is 'Star Wars: .*' in the file, and 'Event Horizon \(1997\)' in the/,
  );
  const more = match(
    movieLens,
    ['1', 4, 'Toy Story (1995)'],
    ['2', 3, 'Jumanji (1995)'],
    ['318', 5, 'Shawshank Redemption, The (1994)'],
    ['858', 4.5, 'Godfather, The (1972)'],
    ['50', 1],
    ['260', 5, 'Star Wars (1977)'],
  );
  assert.equal(more.given, [
    [1, 4],
    [64, 5],
    [127, 4.5],
    [50, 5],
  ]);
  assert.equal(more.leftOut, ['Jumanji (1995)', '50']);
  assert.is(more.problem, undefined);
});

test('ids that the model does not know go by title', () => {
  const imdb = match(movieLens, ['tt0111161', 5, 'The Shawshank Redemption'], ['tt0068646', 4, 'The Godfather'], ['tt1', 1, 'New']);
  assert.equal(imdb.given, [
    [64, 5],
    [127, 4],
  ]);
  assert.equal(
    [imdb.leftOut, imdb.note, imdb.problem],
    [['New'], 'The ids are not those of the model: items are taken by their titles.', undefined],
  );
});

test('a single id with another title goes by its title, and that is said', () => {
  const { given, note } = match(movieLens, [1, 5, 'Toy Story'], [50, 4, 'Star Wars'], [2, 3, 'The Godfather'], [64, 2]);
  assert.equal(given, [
    [1, 5],
    [50, 4],
    [127, 3],
    [64, 2],
  ]);
  assert.is(
    note,
    '1 rated item has another title in the model, and is taken by title: ' +
      "2 is 'The Godfather' in the file, and 'GoldenEye (1995)' in the model.",
  );
});

test('a stranger among known ids is a problem', () => {
  const { given, leftOut, problem } = match(movieLens, ['1', 5], ['0001', 4]);
  assert.equal([given, leftOut, problem], [[[1, 5]], ['0001'], "Training saw no item '0001'; there is 1."]);
  assert.match(match(movieLens, ['No Such Film', 4]).problem!, /^Training saw no item 'No Such Film'/);
});

test('titles in place of ids are looked up as such', () => {
  assert.equal(match(movieLens, ['The Godfather', 4, 'The Godfather']).given, [[127, 4]]);
});

test.run();
