import { GPU_BUFFER, GPU_STAGE_COMPUTE } from './constants.js';
import type { Gpu } from './gpu.js';
import { type Kernel, packScalars, type Values } from './kernel.js';

/** Portable alignment of a dynamic uniform offset. */
export const UNIFORM_ALIGNMENT = 256;

type Buffers<K extends Kernel> = { readonly [N in keyof K['buffers']]: GPUBuffer };

/** A kernel compiled for a device. */
export class Pipeline<K extends Kernel = Kernel> {
  private constructor(
    readonly gpu: Gpu,
    readonly kernel: K,
    readonly raw: GPUComputePipeline,
    readonly layout: GPUBindGroupLayout,
    /** Layout of the dynamic uniform that stands in for immediates; undefined where the language has them. */
    readonly immediateLayout: GPUBindGroupLayout | undefined,
  ) {}

  static async create(gpu: Gpu, kernel: Kernel, module: GPUShaderModule): Promise<Pipeline> {
    const { device } = gpu;
    const buffers = Object.values(kernel.buffers).map((spec): GPUBufferBindingType =>
      spec.startsWith('read_write ') ? 'storage' : 'read-only-storage',
    );
    if (Object.keys(kernel.uniforms).length > 0) buffers.push('uniform');
    const layout = device.createBindGroupLayout({
      label: kernel.name,
      entries: buffers.map((type, binding) => ({ binding, visibility: GPU_STAGE_COMPUTE, buffer: { type } })),
    });
    const immediateBytes = 4 * Object.keys(kernel.immediates).length;
    const dynamic = immediateBytes > 0 && gpu.immediateMode === 'dynamic uniform';
    const immediateLayout = dynamic
      ? device.createBindGroupLayout({
          entries: [
            {
              binding: 0,
              visibility: GPU_STAGE_COMPUTE,
              buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: immediateBytes },
            },
          ],
        })
      : undefined;
    const pipelineLayout: GPUPipelineLayoutDescriptor & { immediateSize?: number } = {
      label: kernel.name,
      bindGroupLayouts: immediateLayout ? [layout, immediateLayout] : [layout],
    };
    if (immediateBytes > 0 && !dynamic) pipelineLayout.immediateSize = immediateBytes;
    const raw = await device.createComputePipelineAsync({
      label: kernel.name,
      layout: device.createPipelineLayout(pipelineLayout),
      compute: { module, entryPoint: 'main' },
    });
    return new Pipeline(gpu, kernel, raw, layout, immediateLayout);
  }

  /** Fixes the buffers and uniform values of later dispatches. */
  bind(buffers: Buffers<K>, ...uniforms: keyof K['uniforms'] extends never ? [] : [Values<K['uniforms']>]): Binding<K> {
    const { gpu, kernel } = this;
    const entries = Object.keys(kernel.buffers).map((name, binding) => {
      const buffer = (buffers as Record<string, GPUBuffer>)[name];
      if (buffer === undefined) throw new TypeError(`${kernel.name}: no buffer for ${name}`);
      return { binding, resource: { buffer } };
    });
    let uniform: GPUBuffer | undefined;
    if (Object.keys(kernel.uniforms).length > 0) {
      uniform = gpu.upload(
        `${kernel.name} uniforms`,
        packScalars(kernel.name, kernel.uniforms, uniforms[0] as Record<string, number>),
        GPU_BUFFER.UNIFORM,
      );
      entries.push({ binding: entries.length, resource: { buffer: uniform } });
    }
    const group = gpu.device.createBindGroup({ label: kernel.name, layout: this.layout, entries });
    return new Binding(this, group, uniform);
  }
}

/** A compiled kernel with its buffers and uniforms: what a recorder dispatches. */
export class Binding<K extends Kernel = Kernel> {
  constructor(
    readonly pipeline: Pipeline<K>,
    readonly group: GPUBindGroup,
    readonly uniform: GPUBuffer | undefined,
  ) {}

  /** Changes uniform values; ordered against submissions, not dispatches. */
  setUniforms(values: Values<K['uniforms']>): void {
    const { gpu, kernel } = this.pipeline;
    gpu.write(this.uniform!, packScalars(kernel.name, kernel.uniforms, values));
  }

  release(): void {
    this.pipeline.gpu.release(this.uniform);
  }
}
