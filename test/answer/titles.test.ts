import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { agree, TitleIndex } from '../../src/answer/titles.js';

const test = suite('titles');

const index = new TitleIndex(
  new Map<number, string>([
    [1, 'Shawshank Redemption, The (1994)'],
    [2, 'Heat (1995)'],
    [3, 'Heat (1986)'],
    [4, 'Amélie'],
    [5, 'City of Lost Children, The (Cité des enfants perdus, La) (1995)'],
    [6, "Schindler's List (1993)"],
    [7, 'Twin (2000)'],
    [8, 'Twin (2000)'],
    [9, '$ (1971)'],
    [10, 'Batman & Robin (1997)'],
  ]),
);

const found: [title: string, ids: number[]][] = [
  ['Shawshank Redemption, The (1994)', [1]],
  ['The Shawshank Redemption (1994)', [1]],
  ['the shawshank  redemption', [1]],
  ['THE SHAWSHANK REDEMPTION (1995)', []],
  ['Shawshank Redemption', []],
  ['Heat (1995)', [2]],
  ['heat', [2, 3]],
  ['Heat (2013)', []],
  ['Amelie (2001)', [4]],
  ['Ame\u0301lie', [4]],
  ['The City of Lost Children (Cité des enfants perdus, La) (1995)', [5]],
  ['Schindler’s list', [6]],
  ['Twin (2000)', [7, 8]],
  ['$', [9]],
  ['€', []],
  ['batman and robin', [10]],
  ['', []],
];
for (const [title, ids] of found)
  test(`'${title}' is the title of ${ids.join(' and ') || 'nothing'}`, () => assert.equal(index.find(title), ids));

test('titles of one film agree in spite of their spelling, those of different films do not', () => {
  for (const [a, b] of [
    ['Toy Story (1995)', 'Toy Story'],
    ['Usual Suspects, The (1995)', 'The Usual Suspects (1996)'],
    ['Shanghai Triad (1995)', 'Shanghai Triad (Yao a yao yao dao waipo qiao) (1995)'],
    ['Empire Strikes Back, The (1980)', 'Star Wars: Episode V - The Empire Strikes Back (1980)'],
    ['$ (1971)', '$'],
  ]) {
    assert.ok(agree(a, b) && agree(b, a), `${a} = ${b}`);
  }
  for (const [a, b] of [
    ['Star Wars: Episode IV - A New Hope (1977)', 'Event Horizon (1997)'],
    ['The Rock (1996)', 'The Fan (1996)'],
    ['Dead Man (1995)', 'Dead Presidents (1995)'],
    ['Home Alone (1990)', 'Home Alone 2 (1992)'],
    ['Heat (1995)', 'Heat (1986)'],
    ['', 'Heat'],
  ]) {
    assert.not(agree(a, b) || agree(b, a), `${a} = ${b}`);
  }
});

test.run();
