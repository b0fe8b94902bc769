/** `dotbias explain --all-items`: the items related to each item, written to a file block by block. */
import type { CollabModel } from '../../answer/collab-model.js';
import { similarLists } from '../../answer/similar-lists.js';
import type { Similarity } from '../../answer/similar.js';
import { counted } from '../../base/count.js';
import { countBy } from '../../base/group-by.js';
import { itemColumns, placesOf } from '../../node/export/places.js';
import type { Block, Column } from '../../node/export/columns.js';
import { writeTable } from '../../node/export/table.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { deviceLine } from '../print/head.js';
import { countProgress } from '../print/progress.js';
import { print } from '../process/terminal.js';

/** Which items, how long the lists are, and where to. */
export interface AllItems {
  out: string;
  n: number;
  minRatings: number;
  metric: Similarity;
  quiet: boolean;
}

/** Writes the lists of similar items of all items that have enough ratings. */
export async function explainAll(model: CollabModel, device: OpenedGpu, { out, n, minRatings, metric, quiet }: AllItems): Promise<void> {
  print(deviceLine(device));
  const { train, items: map } = model.info;
  const counts = train && countBy(train.items, map.size);
  const items = Uint32Array.from({ length: map.size - 1 }, (_, k) => k + 1).filter((row) => (counts?.[row] ?? 0) >= minRatings);
  const [own, similar] = [itemColumns(model.info, 'item', 'title'), itemColumns(model.info, 'similarItem', 'similarTitle')];
  const columns: Column[] = [...own.columns, { name: 'rank', kind: 'rank' }, ...similar.columns, { name: 'similarity', kind: 'float' }];
  const progress = await countProgress('items', items.length, quiet);
  let nPlaces = 0;
  async function* blocks(): AsyncGenerator<Block> {
    const onProgress = ({ done, total }: { done: number; total: number }) => progress.update(Math.floor((items.length * done) / total));
    for await (const { rows, lists } of similarLists(model, Math.min(n, Math.max(1, items.length - 1)), { items, metric, onProgress })) {
      const places = placesOf(lists);
      nPlaces += places.items.length;
      yield [...own.block(places.lists.map((k) => rows[k])), places.ranks, ...similar.block(places.items), places.values];
    }
  }
  try {
    await writeTable(out, columns, blocks());
  } finally {
    progress.clear();
  }
  print(`${counted(nPlaces, 'similar item')} of ${counted(items.length, 'item')} written to ${out}`);
}
