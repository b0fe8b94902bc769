/** Rate ten, and the list answers each click. */
import { signal } from '@preact/signals';
import type { Contribution } from 'dotbias';
import { duration, several } from '../format.js';
import { answer, data, type Film, model, nameOf, rated } from '../state.js';
import {
  answerProblem,
  biasOnly,
  brought,
  forgetAll,
  hasBias,
  levels,
  liked,
  offered,
  others,
  rateFilm,
  search,
  want,
} from '../visitor.js';

const sought = signal('');

function Stars({ film }: { film: Film }) {
  const name = nameOf(film);
  const given = rated.value.get(film.item);
  return (
    <fieldset class="film" data-item={film.item}>
      <legend>{name}</legend>
      <div class="stars">
        {levels.value.map((level) => (
          <label key={level} class={given !== undefined && level <= given ? 'full' : ''} title={`${level}`}>
            <input
              type="radio"
              class="visually-hidden"
              name={`film-${film.item}`}
              value={level}
              checked={given === level}
              onChange={() => rateFilm(film.item, level)}
            />
            <span aria-hidden="true">★</span>
            <span class="visually-hidden">
              {level} of {levels.value.at(-1)}
            </span>
          </label>
        ))}
        <button
          class="clear"
          aria-label={`Take back the rating of ${name}`}
          hidden={given === undefined}
          onClick={() => rateFilm(film.item, undefined)}
        >
          ×
        </button>
      </div>
    </fieldset>
  );
}

function Search() {
  const found = search(sought.value);
  return (
    <div class="search">
      <label class="visually-hidden" for="search">
        Find a film
      </label>
      <input
        id="search"
        type="search"
        placeholder="Find a film you have seen"
        autocomplete="off"
        value={sought.value}
        onInput={(event) => (sought.value = event.currentTarget.value)}
      />
      {sought.value.trim() !== '' && (
        <ul class="found" id="found">
          {found.map((film) => (
            <li key={film.item}>
              <button
                onClick={() => {
                  want(film);
                  sought.value = '';
                }}
              >
                {nameOf(film)} <span class="aside">{several(film.count, 'rating')}</span>
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="note">No film has these words in its title.</li>}
        </ul>
      )}
    </div>
  );
}

function List() {
  const own = answer.value;
  if (own === undefined && liked.value.length === 0) {
    const without = 'Without biases there is nothing that everybody likes. Rate a film, and the list is yours.';
    return <p class="note">{model.value === 0 || hasBias.value ? 'The list comes when the model is trained.' : without}</p>;
  }
  return (
    <>
      <ol class="list" id="list">
        {own
          ? own.list.map(({ item, title, prediction, because }) => (
              <li key={item}>
                <span class="title">{nameOf({ item, title })}</span>
                <b>{prediction.toFixed(2)}</b>
                {because.length > 0 && <span class="why">because you rated {reasons(because)}</span>}
              </li>
            ))
          : liked.value.map(({ item, title, bias }) => (
              <li key={item}>
                <span class="title">{nameOf({ item, title })}</span>
                <b>{signed(bias)}</b>
              </li>
            ))}
      </ol>
      <p class="note" id="list-note" aria-live="polite">
        {own === undefined
          ? 'The bias of each film: how well it is liked beyond what tastes explain. Rate one, and the list is yours.'
          : `${several(own.nRatings, 'rating')} of yours, folded in and answered in ${latency(own.ms)}, without training.` +
            (own.biasOnly ? ' Your taste is left out: this is the order in which everybody would get them.' : '')}
        {model.value === 0 && ' The model that answered is being replaced; the list answers again when the new one is trained.'}
      </p>
    </>
  );
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
const latency = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : duration(ms));
const reasons = (because: readonly Contribution[]): string =>
  because
    .filter(({ contribution }, k) => k === 0 || contribution > 0)
    .map((reason) => `\u2068${nameOf(reason)}\u2069 ${reason.rating}`) // isolated: a title may run from right to left
    .join(' and ');

export function RateTen() {
  const n = rated.value.size;
  return (
    <section class="panel rate-ten" aria-labelledby="ten-title" id="rate-ten">
      <div>
        <header>
          <h2 id="ten-title">Rate ten, and it knows you</h2>
          <span class="aside">{n} rated</span>
        </header>
        {brought.value && data.value && (
          <p class="note">
            The link that you followed has ratings of films in {brought.value.of}. Drop that file to see what it says to them.
          </p>
        )}
        <Search />
        <div class="films">
          {offered.value.map((film) => (
            <Stars film={film} key={film.item} />
          ))}
        </div>
        <div class="buttons">
          <button onClick={others}>Ten others</button>
          {n > 0 && <button onClick={forgetAll}>Forget my ratings</button>}
        </div>
      </div>
      <div>
        <header>
          <h2>{answer.value !== undefined && !answer.value.biasOnly ? 'For you' : 'What everybody likes'}</h2>
          <label class="switch">
            <input
              id="bias-only"
              type="checkbox"
              role="switch"
              disabled={!hasBias.value}
              checked={biasOnly.value && hasBias.value}
              onChange={(event) => (biasOnly.value = event.currentTarget.checked)}
            />{' '}
            biases only
          </label>
        </header>
        {answerProblem.value !== '' && (
          <p class="refusal" role="alert">
            {answerProblem.value}
          </p>
        )}
        <List />
      </div>
    </section>
  );
}
