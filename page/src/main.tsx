import { render } from 'preact';
import { readFragment } from './knobs.js';
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
      </main>
    </>
  );
}

readFragment(location.hash);
addEventListener('hashchange', () => readFragment(location.hash));
listenForDrops();
render(<Page />, document.querySelector('#page')!);
void begin();
