/** The table that fastai prints: the curves in figures. */
import { duration } from '../format.js';
import { run, runTick } from '../state.js';
import { Table } from '../table.js';

export function EpochTable() {
  void runTick.value;
  const epochs = run.value?.epochs ?? [];
  return (
    <section class="panel" aria-labelledby="epochs-title">
      <header>
        <h2 id="epochs-title">Epochs</h2>
      </header>
      <Table
        id="epochs"
        label="Losses of each epoch"
        head={['epoch', 'train_loss', 'valid_loss', 'time']}
        rows={epochs.map(({ epoch, trainLoss, validLoss, trainSeconds, validateSeconds }) => [
          epoch,
          trainLoss.toFixed(6),
          validLoss.toFixed(6),
          duration((trainSeconds + validateSeconds) * 1000),
        ])}
      />
    </section>
  );
}
