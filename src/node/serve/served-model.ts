import { setTimeout } from 'node:timers/promises';
import type { BatchedModel, BatchedOptions } from '../../answer/batched.js';
import type { CollabModel } from '../../answer/collab-model.js';
import { VERSION } from '../../base/version.js';
import { type DecodedModel, loadModel } from '../../files/model-file.js';
import type { ModelShape } from '../../model/layout.js';
import type { OpenedGpu } from '../device/device.js';
import { readModelFile } from '../files/model-file.js';
import { HttpError, unavailable } from './http-error.js';

/** A model on a device, ready to answer. */
interface Current {
  readonly model: CollabModel;
  readonly batched: BatchedModel;
  readonly device: OpenedGpu;
  /** When it was put there. */
  readonly since: Date;
}

/** Where a served model comes from, and where it goes. */
export interface ServedModelOptions extends BatchedOptions {
  /** The model file. */
  path: string;
  /** Opens a device for a model of such sizes. */
  open(shape: ModelShape): Promise<OpenedGpu>;
  /** Told in a sentence what happened. */
  onEvent?: ((sentence: string) => void) | undefined;
}

/** Seconds between two attempts to open a device. */
const PAUSES = [0, 1, 2, 4, 8, 15, 30];

/**
 * The model that requests are answered from. It is replaced as a whole: by the file's new content when `reload` asks for it, and by
 * itself on another device when the device was lost. Requests under way are answered by the model that they found.
 */
export class ServedModel {
  #current: Current | undefined;
  /** What is on the device, or is to be as soon as there is one. */
  #saved: DecodedModel;
  /** Replacements are made one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  readonly #ending = new AbortController();
  #nLoads = 0;

  private constructor(
    saved: DecodedModel,
    private readonly options: ServedModelOptions,
  ) {
    this.#saved = saved;
  }

  /** Reads the file, opens a device and puts the model there. @throws as `readModelFile`, `openGpu` and `loadModel` */
  static async open(options: ServedModelOptions): Promise<ServedModel> {
    const served = new ServedModel(await readModelFile(options.path), options);
    await served.#openDevice();
    return served;
  }

  /** The model of this moment. @throws HttpError 503 while there is no device */
  get current(): Current {
    if (this.#current === undefined) throw unavailable('The device was lost and is being opened again: try again soon.', 2);
    return this.#current;
  }

  /** Calls that wait or are being answered, how many there were in all, and in how many batches; of the model of this moment. */
  get load(): { waiting: number; calls: number; batches: number; loads: number; isUp: boolean } {
    const { waiting = 0, counts = { calls: 0, batches: 0 } } = this.#current?.batched ?? {};
    return { waiting, ...counts, loads: this.#nLoads, isUp: this.#current !== undefined };
  }

  /** What `/health` says. @throws HttpError 503 while requests are not answered */
  health(): object {
    if (this.#ending.signal.aborted) throw new HttpError(503, 'The server is ending: it answers what it has taken on.');
    const { model, device, since } = this.current;
    const { nUsers, nItems, nFactors } = model.embeddings.shape;
    return {
      status: 'ok',
      version: VERSION,
      device: device.info.description,
      model: { since: since.toISOString(), users: nUsers - 1, items: nItems - 1, factors: nFactors },
    };
  }

  /**
   * Reads the file anew and answers from what it holds. Where it holds no model, or one that the device has no room for beside the old
   * one, the old one stays.
   *
   * @returns whether the file's model answers now
   */
  reload(): Promise<boolean> {
    return this.#next(async () => {
      const { path, onEvent } = this.options;
      try {
        const saved = await readModelFile(path);
        if (this.#current === undefined || this.#ending.signal.aborted) return false;
        await this.#put(saved, this.#current.device);
        onEvent?.(`${path}: this model answers now.`);
        return true;
      } catch (error) {
        onEvent?.(`The model that was loaded before still answers. ${(error as Error).message}`);
        return false;
      }
    });
  }

  /** From now on `/health` says that the server ends, and nothing is loaded any more. */
  end(): void {
    this.#ending.abort();
  }

  /** Waits for the calls under way, and gives everything back. */
  async close(): Promise<void> {
    this.end();
    await this.#work;
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    await this.#retire(current);
    current.device.gpu.destroy();
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #reopen(): Promise<void> {
    for (let attempt = 0; !this.#ending.signal.aborted; attempt++) {
      const pause = PAUSES[Math.min(attempt, PAUSES.length - 1)];
      await setTimeout(1000 * pause, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) return;
      try {
        await this.#openDevice();
        this.options.onEvent?.(`A device is open again: ${this.current.device.info.description}.`);
        return;
      } catch (error) {
        this.options.onEvent?.(`No device could be opened. ${(error as Error).message}`);
      }
    }
  }

  async #openDevice(): Promise<void> {
    const opened = await this.options.open(this.#saved.shape);
    try {
      await this.#put(this.#saved, opened);
    } catch (error) {
      opened.gpu.destroy();
      throw error;
    }
    void opened.gpu.device.lost.then(() => this.#lost(opened));
  }

  /** The calls under way fail; those that come are refused until the device has been opened again, in the background. */
  #lost(device: OpenedGpu): void {
    const lost = this.#current;
    if (lost?.device !== device || this.#ending.signal.aborted) return;
    this.#current = undefined;
    this.options.onEvent?.('The device was lost: requests are answered with 503 until one is open again.');
    void this.#retire(lost).then(() => device.gpu.destroy());
    void this.#next(() => this.#reopen());
  }

  /** Lets a model go once its calls have been answered. */
  async #retire({ batched, model }: Current): Promise<void> {
    await batched.close();
    model.release();
  }

  /** Puts a model on a device, ready for its first request, and then in the place of the one before. */
  async #put(saved: DecodedModel, device: OpenedGpu): Promise<void> {
    const { maxDelayMs, maxWaiting } = this.options;
    const model = await loadModel(saved, { gpu: device.gpu });
    try {
      await model.warmUp();
      const batched = await model.batched({ maxDelayMs, maxWaiting });
      const before = this.#current;
      this.#current = { model, batched, device, since: new Date() };
      this.#saved = saved;
      this.#nLoads++;
      if (before !== undefined) void this.#retire(before);
    } catch (error) {
      model.release();
      throw error;
    }
  }
}
