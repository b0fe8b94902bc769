/** Gzip, unpacked by the platform. */
import { DataError } from '../base/errors.js';
import { chunksOfStream } from './bytes.js';

/** Text that shrinks more than this many times is no table of ratings. */
const MAX_RATIO = 200;
/** Bytes below which the ratio does not matter. */
const HARMLESS = 2 ** 28;

/** @throws DataError if the bytes are no gzip, damaged, cut short, or made to fill the memory */
export async function* unpacked(chunks: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Uint8Array> {
  let sizeIn = 0;
  let sizeOut = 0;
  let failure: { error: unknown } | undefined; // of the source, not of the unpacking
  const iterator = chunks[Symbol.asyncIterator]();
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        sizeIn += value?.length ?? 0;
        if (done === true) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      } catch (error) {
        failure = { error };
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  const plain = chunksOfStream(packed.pipeThrough(new DecompressionStream('gzip')));
  try {
    for (;;) {
      const next = await plain.next().catch((cause: unknown) => {
        if (failure !== undefined) throw failure.error;
        throw new DataError('The packed data are damaged or cut short.', { file: label }, { cause });
      });
      if (next.done === true) return;
      sizeOut += next.value.length;
      if (sizeOut > HARMLESS && sizeOut > MAX_RATIO * sizeIn) {
        throw new DataError(`It unpacks to more than ${MAX_RATIO} times its size, as no table of ratings does.`, { file: label });
      }
      yield next.value;
    }
  } finally {
    await plain.return(undefined);
  }
}
