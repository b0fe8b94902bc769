import { DotbiasError } from '../base/errors.js';
import type { Deal } from './deal.js';
import { type Id, IdMap, NA } from './ids.js';

/** The ids of a side of which a process knows those of some blocks only: they are found by their rows, and no other way. */
export class BlockIds extends IdMap {
  /**
   * @param blocks ids of the blocks from `first` on, each in the order of its rows, `#na#` for row 0
   */
  constructor(
    private readonly kind: 'number' | 'text',
    private readonly deal: Deal,
    private readonly first: number,
    private readonly blocks: readonly (readonly Id[])[],
  ) {
    super([NA]);
    (this as { size: number }).size = deal.rows.length;
  }

  /** The rows whose ids are known. */
  get rows(): Uint32Array {
    const { rows, start } = this.deal;
    return rows.subarray(start[this.first], start[this.first + this.blocks.length]);
  }

  override get isText(): boolean {
    return this.kind === 'text';
  }

  override get ids(): readonly Id[] {
    return this.#refuse();
  }

  override indexOf(): number {
    return this.#refuse();
  }

  override idOf(row: number): Id {
    return this.blocks[this.deal.block[row] - this.first]?.[this.deal.place[row]] ?? this.#refuse();
  }

  #refuse(): never {
    throw new DotbiasError('A rank knows the ids of its own blocks only: save the model, and read the file.');
  }
}
