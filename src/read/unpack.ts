/** Gzip, unpacked by the platform. */
import { DataError } from '../base/errors.js';
import { chunksOfStream, close } from './bytes.js';

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
      const next = await iterator.next().catch((error: unknown) => {
        failure = { error };
        throw error;
      });
      if (next.done === true) return controller.close();
      sizeIn += next.value.length;
      controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
    },
  });
  const plain = chunksOfStream(packed.pipeThrough(new DecompressionStream('gzip')));
  try {
    for (;;) {
      const next = await plain.next().catch((cause: unknown) => {
        if (failure !== undefined) throw failure.error;
        // So Chromium says it; Node unpacks several parts one after the other.
        const problem = /junk|trailing/i.test(String(cause))
          ? 'More bytes follow the packed data, which browsers do not unpack; pack it as one.'
          : 'The packed data are damaged or cut short.';
        throw new DataError(problem, { file: label }, { cause });
      });
      if (next.done === true) return;
      sizeOut += next.value.length;
      if (sizeOut > HARMLESS && sizeOut > MAX_RATIO * sizeIn) {
        throw new DataError(`It unpacks to more than ${MAX_RATIO} times its size, as no table of ratings does.`, { file: label });
      }
      yield next.value;
    }
  } finally {
    close(iterator);
    await plain.return(undefined);
  }
}
