/** The map of taste: the two directions in which films differ most, and where the visitor stands. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { MapPoint, SimilarItem } from 'dotbias';
import { useEffect, useRef } from 'preact/hooks';
import { afterTraining } from '../after-training.js';
import { themeTick } from '../chart.js';
import * as engine from '../engine.js';
import { count, sentence } from '../format.js';
import { answer, nameOf } from '../state.js';
import { Table } from '../table.js';
import { drawMap, type Frame, frameOf, pointAt, type Scene } from './map-canvas.js';

/** This many of the most rated films are on the map. */
const MOST = 300;

const map = signal<Awaited<ReturnType<typeof engine.map>> | undefined>(undefined);
const trouble = signal('');
const chosen = signal<MapPoint | undefined>(undefined);
const similar = signal<readonly SimilarItem[]>([]);

afterTraining(
  () => engine.map(MOST),
  (made) =>
    batch(() => {
      map.value = made;
      trouble.value = '';
      choose(made.points.find(({ item }) => item === chosen.peek()?.item));
    }),
  (error) => (trouble.value = sentence(error)),
);

function choose(point: MapPoint | undefined): void {
  chosen.value = point;
  similar.value = [];
  if (point === undefined) return;
  void engine.similar(point.item).then(
    (found) => {
      if (chosen.peek() === point) similar.value = found;
    },
    () => undefined, // the model is being trained anew, and the map will be asked again
  );
}

const visitor = computed(() => {
  const own = answer.value;
  if (map.value === undefined || own === undefined || own.factors.length !== map.value.mean.length) return undefined;
  return engine.placeOn(map.value, own.factors);
});

const scene = computed<Scene | undefined>(() => {
  if (map.value === undefined) return undefined;
  const { points, axes } = map.value;
  return {
    points,
    named: new Set(axes.flatMap(({ low, high }) => [...low, ...high])),
    chosen: chosen.value,
    near: new Set(similar.value.map(({ item }) => item)),
    visitor: visitor.value,
  };
});

function Canvas() {
  const place = useRef<HTMLCanvasElement>(null);
  const frame = useRef<Frame | undefined>(undefined);
  useEffect(() => {
    const canvas = place.current!;
    const size = signal(canvas.clientWidth);
    const resized = new ResizeObserver(() => (size.value = canvas.clientWidth));
    resized.observe(canvas);
    const stop = effect(() => {
      void themeTick.value;
      if (scene.value === undefined || size.value === 0) return;
      frame.current = frameOf(scene.value, size.value, canvas.clientHeight);
      drawMap(canvas, scene.value, frame.current);
    });
    return () => {
      stop();
      resized.disconnect();
    };
  }, []);
  return (
    <canvas
      ref={place}
      id="map-canvas"
      class="map"
      role="img"
      aria-label="Map of taste. The list of films below chooses one, and the table has all coordinates."
      onClick={({ offsetX, offsetY }) => {
        if (scene.value && frame.current) choose(pointAt(scene.value, frame.current, offsetX, offsetY));
      }}
    />
  );
}

const names = (points: readonly MapPoint[]): string => points.map((point) => nameOf(point).replace(/ \(\d{4}\)$/, '')).join(' · ');

export function TasteMap() {
  if (map.value === undefined) return <p class="note">{trouble.value || 'The map comes when the model is trained.'}</p>;
  const [x, y] = map.value.axes;
  return (
    <>
      <p class="note">
        The {map.value.points.length} most rated films, along the two directions in which the vectors of all films differ most. Nobody told
        the model what these mean: look at the films at their ends.{' '}
        {visitor.value ? 'The star is you.' : 'Rate a film above, and you appear as a star.'}
      </p>
      <div class="map-frame">
        <div>
          <p class="axis-end">
            <span>↑ {names(y.high)}</span>
          </p>
          <Canvas />
          <p class="axis-end">
            <span>← {names(x.low)}</span> <span>↓ {names(y.low)}</span> <span>{names(x.high)} →</span>
          </p>
        </div>
        <div>
          <label for="map-film">Nearest to</label>
          <select
            id="map-film"
            value={chosen.value ? String(chosen.value.item) : ''}
            onChange={(event) => choose(map.value?.points.find(({ item }) => String(item) === event.currentTarget.value))}
          >
            <option value="">Click a film, or choose one</option>
            {map.value.points
              .slice()
              .sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true }))
              .map((point) => (
                <option key={point.item} value={String(point.item)}>
                  {nameOf(point)}
                </option>
              ))}
          </select>
          <ol class="list" id="nearest" aria-live="polite">
            {similar.value.map((each) => (
              <li key={each.item}>
                <span class="title">{nameOf(each)}</span>
                <b>{each.similarity.toFixed(2)}</b>
              </li>
            ))}
          </ol>
          {chosen.value && <p class="note">Cosine of the two vectors: films are near if the same people like them.</p>}
        </div>
      </div>
      <details>
        <summary>The map as a table</summary>
        <Table
          label="Films on the map"
          head={['film', 'across', 'up', 'ratings']}
          rows={map.value.points.map((point) => [nameOf(point), point.x.toFixed(2), point.y.toFixed(2), count(point.nRatings)])}
        />
      </details>
    </>
  );
}
