/** The table that fastai prints: the curves in figures. */
import { duration } from '../format.js';
import { run, runTick } from '../state.js';

export function EpochTable() {
  void runTick.value;
  const epochs = run.value?.epochs ?? [];
  return (
    <section class="panel" aria-labelledby="epochs-title">
      <header>
        <h2 id="epochs-title">Epochs</h2>
      </header>
      <div class="scroll" tabIndex={0} role="region" aria-label="Losses of each epoch">
        <table id="epochs">
          <thead>
            <tr>
              <th scope="col">epoch</th>
              <th scope="col">train_loss</th>
              <th scope="col">valid_loss</th>
              <th scope="col">time</th>
            </tr>
          </thead>
          <tbody>
            {epochs.map((record) => (
              <tr key={record.epoch}>
                <td>{record.epoch}</td>
                <td>{record.trainLoss.toFixed(6)}</td>
                <td>{record.validLoss.toFixed(6)}</td>
                <td>{duration((record.trainSeconds + record.validateSeconds) * 1000)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
