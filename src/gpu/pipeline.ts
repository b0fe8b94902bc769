import { GPU_BUFFER, GPU_STAGE_COMPUTE } from './constants.js';
import type { GpuContext } from './context.js';
import { accessOf, allUniforms, type Kernel, packScalars, type Values } from './kernel.js';
import type { Scope } from './scope.js';

type Buffers<K extends Kernel> = { readonly [N in keyof K['buffers']]: GPUBuffer };
type Uniforms<K extends Kernel> = keyof K['uniforms'] extends never ? [] : [Values<K['uniforms']>];

/** What the device made of a kernel's source. */
export interface Compiled {
  readonly raw: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Layout of the dynamic uniform that stands in for immediates; undefined where the language has them. */
  readonly immediateLayout: GPUBindGroupLayout | undefined;
}

/** Compiles a kernel whose module is ready. */
export async function compileKernel({ device, immediateMode }: GpuContext, kernel: Kernel, module: GPUShaderModule): Promise<Compiled> {
  const buffers = Object.values(kernel.buffers).map((type): GPUBufferBindingType =>
    accessOf(type) === 'read_write' ? 'storage' : 'read-only-storage',
  );
  if (Object.keys(allUniforms(kernel)).length > 0) buffers.push('uniform');
  const layout = device.createBindGroupLayout({
    label: kernel.name,
    entries: buffers.map((type, binding) => ({ binding, visibility: GPU_STAGE_COMPUTE, buffer: { type } })),
  });
  const immediateBytes = 4 * Object.keys(kernel.immediates).length;
  const dynamic = immediateBytes > 0 && immediateMode === 'dynamic uniform';
  const buffer = { type: 'uniform', hasDynamicOffset: true, minBindingSize: immediateBytes } as const;
  const immediateLayout = dynamic
    ? device.createBindGroupLayout({ entries: [{ binding: 0, visibility: GPU_STAGE_COMPUTE, buffer }] })
    : undefined;
  const pipelineLayout: GPUPipelineLayoutDescriptor & { immediateSize?: number | undefined } = {
    label: kernel.name,
    bindGroupLayouts: immediateLayout ? [layout, immediateLayout] : [layout],
  };
  if (immediateBytes > 0 && !dynamic) pipelineLayout.immediateSize = immediateBytes;
  const raw = await device.createComputePipelineAsync({
    label: kernel.name,
    layout: device.createPipelineLayout(pipelineLayout),
    compute: { module, entryPoint: 'main' },
  });
  return { raw, layout, immediateLayout };
}

/** A kernel compiled for a device. */
export class Pipeline<K extends Kernel = Kernel> {
  constructor(
    readonly kernel: K,
    readonly compiled: Compiled,
  ) {}

  /** Fixes the buffers and uniform values of later dispatches. The scope owns what the binding needs. */
  bind(scope: Scope, buffers: Buffers<K>, ...uniforms: Uniforms<K>): Binding<K> {
    const { kernel, compiled } = this;
    const entries = Object.keys(kernel.buffers).map((name, binding) => {
      const buffer = (buffers as Record<string, GPUBuffer>)[name];
      if (buffer === undefined) throw new TypeError(`${kernel.name}: no buffer for ${name}`);
      return { binding, resource: { buffer } };
    });
    const fields = allUniforms(kernel);
    if (Object.keys(fields).length > 0) {
      const values = Object.assign({}, ...kernel.ops.map((op) => op.uniforms), uniforms[0]) as Record<string, number>;
      const buffer = scope.upload(`${kernel.name} uniforms`, packScalars(kernel.name, fields, values), GPU_BUFFER.UNIFORM);
      entries.push({ binding: entries.length, resource: { buffer } });
    }
    return new Binding(this, scope.gpu.device.createBindGroup({ label: kernel.name, layout: compiled.layout, entries }));
  }
}

/** A compiled kernel with its buffers and uniforms: what a recorder dispatches. */
export class Binding<K extends Kernel = Kernel> {
  constructor(
    readonly pipeline: Pipeline<K>,
    readonly group: GPUBindGroup,
  ) {}
}
