import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gpu } from '../../src/gpu/gpu.js';
import { freshDevice } from '../helpers/gpu.js';
import { cosine } from '../helpers/ops.js';
import { makeLearner } from '../helpers/short-run.js';
import { sameBits } from '../helpers/training.js';

test('after warmUp predict, recommend, foldIn and folder compile nothing, and nothing else has changed', async () => {
  for (const score of [undefined, cosine]) {
    const device = await freshDevice();
    const made: string[] = [];
    const create = device.createShaderModule.bind(device);
    Object.assign(device, { createShaderModule: (what: GPUShaderModuleDescriptor) => (made.push(what.label!), create(what)) });
    const gpu = Gpu.borrow(device);
    const learn = await makeLearner({ gpu, score });
    const [before, allocated] = [await learn.embeddings.readState(), gpu.allocated];
    made.length = 0;
    await learn.warmUp();
    assert.is(made.length, 4, made.join());
    await learn.warmUp();
    const [user] = learn.data.users.ids.slice(1);
    const [item, other] = learn.data.items.ids.slice(1);
    await learn.predict([user, 'nobody'], [item, item]);
    await learn.recommend(user);
    await learn.recommendAll(3);
    if (score === undefined) {
      await (await learn.foldIn([[item, 3]])).recommend();
      await (await (await learn.folder()).fold([[item, 3]])).because(other);
    }
    assert.is(made.length, 4, made.join());
    assert.is(gpu.allocated, allocated);
    assert.ok(sameBits((await learn.embeddings.readState()).param, before.param));
    learn.release();
    device.destroy();
  }
});

test.run();
