import { render } from 'preact';
import { keepAddress, readFragment } from './knobs.js';
import { Later } from './later.js';
import { EpochTable } from './sections/epoch-table.js';
import { FindRate } from './sections/find-rate.js';
import { Intro, listenForDrops, TopBar } from './sections/intro.js';
import { KnobsPanel } from './sections/knobs.js';
import { RateTen } from './sections/rate-ten.js';
import { Train } from './sections/train.js';
import { begin } from './session.js';

function Page() {
  return (
    <>
      <TopBar />
      <main>
        <Intro />
        <div class="bench">
          <Train />
          <div class="aside-column">
            <FindRate />
            <EpochTable />
          </div>
        </div>
        <KnobsPanel />
        <RateTen />
        <Later id="map" title="The map of taste" load={async () => (await import('./sections/taste-map.js')).TasteMap} />
        <Later id="honesty" title="How far to trust it" load={async () => (await import('./sections/honesty.js')).Honesty} />
        <Later id="take-away" title="Take it with you" load={async () => (await import('./sections/take-away.js')).TakeAway} />
      </main>
    </>
  );
}

readFragment(location.hash);
keepAddress();
addEventListener('hashchange', () => readFragment(location.hash));
listenForDrops();
render(<Page />, document.querySelector('#page')!);
void begin();
