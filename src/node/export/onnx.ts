/**
 * A model as ONNX, the graph of `predict`:
 *
 *     user, item        int64 [n], table rows; row 0 is `#na#`
 *     prediction        float [n] = range(sum(userFactors[user] * itemFactors[item], axis 1) + userBias[user] + itemBias[item])
 *
 * with range(z) = lo + (hi - lo) sigmoid(z), or z. ONNX is a message of protocol buffers (onnx.proto of github.com/onnx/onnx has the
 * numbers of the fields). What is in it comes in pieces, so that the tables are not copied; a message ends at 2 GiB.
 */
import { PbfWriter } from 'pbf';
import { VERSION } from '../../base/version.js';
import type { DecodedModel } from '../../files/model-file.js';

/** The version of ONNX's operators, the first in which ReduceSum takes its axes as an input, and of the format that goes with it. */
export const OPSET = 13;
const IR_VERSION = 7;
const FLOAT = 1;
const INT64 = 7;
/** Bytes of a message of protocol buffers. */
const MAX_BYTES = 2 ** 31 - 1;

type Pieces = Uint8Array[];

/** The bytes of the file. @throws TypeError for a score or range that ONNX is not written for; RangeError if it is too large */
export function onnxPieces({ tables, shape, score, range }: DecodedModel): Pieces {
  if (!score.isDotProduct) throw new TypeError(`ONNX is written for the dot product, and the score of this model is ${score.name}.`);
  if (!['identity', 'sigmoidRange'].includes(range.name)) {
    throw new TypeError(`ONNX is written for sigmoidRange or no range, and the range of this model is ${range.name}.`);
  }
  const { nUsers, nItems, nFactors, hasBias } = shape;
  const bounds = range.bounds;
  const nodes: Pieces[] = [];
  const constants: Pieces[] = [];
  const node = (op: string, inputs: string[], output: string) => (nodes.push(nodeOf(op, inputs, output)), output);
  const constant = (name: string, dims: number[], data: Float32Array | BigInt64Array) => (constants.push(tensorOf(name, dims, data)), name);

  const users = node('Gather', [constant('userFactors', [nUsers, nFactors], tables.userFactors), 'user'], 'users');
  const items = node('Gather', [constant('itemFactors', [nItems, nFactors], tables.itemFactors), 'item'], 'items');
  const products = node('Mul', [users, items], 'products');
  let z = node('ReduceSum', [products, constant('axis', [1], BigInt64Array.of(1n))], 'dot');
  if (hasBias) {
    const userBias = node('Gather', [constant('userBias', [nUsers], tables.userBias), 'user'], 'biasOfUser');
    const itemBias = node('Gather', [constant('itemBias', [nItems], tables.itemBias), 'item'], 'biasOfItem');
    z = node('Add', [z, node('Add', [userBias, itemBias], 'bias')], 'z');
  }
  if (bounds === null) node('Identity', [z], 'prediction');
  else {
    const [lo, hi] = bounds;
    const share = node('Mul', [node('Sigmoid', [z], 'sigmoid'), constant('width', [], Float32Array.of(hi - lo))], 'share');
    node('Add', [share, constant('lo', [], Float32Array.of(lo))], 'prediction');
  }
  const graph = [
    ...nodes.flatMap((each) => field(1, each)),
    ...field(2, text('predict')),
    ...constants.flatMap((each) => field(5, each)),
    ...field(11, valueOf('user', INT64)),
    ...field(11, valueOf('item', INT64)),
    ...field(12, valueOf('prediction', FLOAT)),
  ];
  const pieces = [
    ...message((pbf) => {
      pbf.writeVarintField(1, IR_VERSION);
      pbf.writeStringField(2, 'dotbias');
      pbf.writeStringField(3, VERSION);
    }),
    ...field(7, graph),
    ...field(
      8,
      message((pbf) => pbf.writeVarintField(2, OPSET)),
    ),
  ];
  const nBytes = total(pieces);
  if (nBytes > MAX_BYTES) throw new RangeError(`As ONNX this model has ${nBytes} bytes, and such a file ends at ${MAX_BYTES}.`);
  return pieces;
}

/** NodeProto; the attributes of all operators here are the defaults, but for ReduceSum, which would keep the summed axis. */
function nodeOf(op: string, inputs: readonly string[], output: string): Pieces {
  return message((pbf) => {
    for (const input of inputs) pbf.writeStringField(1, input);
    pbf.writeStringField(2, output);
    pbf.writeStringField(4, op);
    if (op === 'ReduceSum') pbf.writeMessage(5, writeAttribute, { name: 'keepdims', value: 0 });
  });
}

/** AttributeProto of a whole number (type 2). */
function writeAttribute({ name, value }: { name: string; value: number }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeVarintField(3, value);
  pbf.writeVarintField(20, 2);
}

/** TensorProto, whose numbers are little-endian, as this host's. */
function tensorOf(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): Pieces {
  const head = message((pbf) => {
    for (const dim of dims) pbf.writeVarintField(1, dim);
    pbf.writeVarintField(2, data instanceof Float32Array ? FLOAT : INT64);
    pbf.writeStringField(8, name);
  });
  return [...head, ...field(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])];
}

/** ValueInfoProto of a list whose length is called n: name, then type: tensor: kind of numbers, shape: dimension: its name. */
function valueOf(name: string, kind: number): Pieces {
  const shape = field(1, field(2, text('n')));
  const tensor = [...message((pbf) => pbf.writeVarintField(1, kind)), ...field(2, shape)];
  return [...field(1, text(name)), ...field(2, field(1, tensor))];
}

const text = (value: string): Pieces => [new TextEncoder().encode(value)];

/** A field that has a length: bytes, a text or a message. */
function field(tag: number, pieces: Pieces): Pieces {
  const head = message((pbf) => {
    pbf.writeVarint((tag << 3) | 2);
    pbf.writeVarint(total(pieces));
  });
  return [...head, ...pieces];
}

function message(write: (pbf: PbfWriter) => void): Pieces {
  const pbf = new PbfWriter();
  write(pbf);
  return [pbf.finish()];
}

const total = (pieces: Pieces): number => pieces.reduce((sum, { length }) => sum + length, 0);
