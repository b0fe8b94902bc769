import { wgsl } from './wgsl.js';

/** WGSL types that a field of a struct may have, another struct among them. */
export type FieldType = 'u32' | 'i32' | 'f32' | 'vec2f' | 'vec3f' | 'vec4f' | Struct;
/** Fields of a struct by name, in their order. */
export type Fields = Readonly<Record<string, FieldType>>;

/** What a value of a type is in TypeScript: a number, its components, or an object. */
export type FieldValue<T> = T extends 'u32' | 'i32' | 'f32' ? number : T extends Struct<infer F> ? StructValue<F> : ArrayLike<number>;
/** The value of a struct, field by field. */
export type StructValue<F> = { readonly [K in keyof F]: FieldValue<F[K]> };

/**
 * A struct of storage buffers. The declaration is the one place where it exists: it writes the WGSL, and says where
 * each field lies, by the layout rules of WGSL (https://www.w3.org/TR/WGSL/#memory-layouts).
 */
export interface Struct<F extends Fields = Fields> {
  readonly name: string;
  readonly fields: F;
  readonly wgsl: string;
  /** Alignment in bytes. */
  readonly align: number;
  /** 4-byte words from one element of an array to the next. */
  readonly size: number;
  /** Word of each field, counted from the start of its element. */
  readonly at: { readonly [K in keyof F]: number };
}

const SIZES = { u32: 4, i32: 4, f32: 4, vec2f: 8, vec3f: 12, vec4f: 16 } as const;
const ALIGNS = { u32: 4, i32: 4, f32: 4, vec2f: 8, vec3f: 16, vec4f: 16 } as const;

const sizeOf = (type: FieldType) => (typeof type === 'string' ? SIZES[type] : 4 * type.size);
const alignOf = (type: FieldType) => (typeof type === 'string' ? ALIGNS[type] : type.align);
const roundUp = (bytes: number, align: number) => Math.ceil(bytes / align) * align;

/** Declares a struct. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  const at: Record<string, number> = {};
  let end = 0;
  let align = 4;
  for (const [field, type] of Object.entries(fields)) {
    const begin = roundUp(end, alignOf(type));
    at[field] = begin / 4;
    end = begin + sizeOf(type);
    align = Math.max(align, alignOf(type));
  }
  const lines = Object.entries(fields).map(([field, type]) => `  ${field}: ${typeof type === 'string' ? type : type.name},\n`);
  return {
    name,
    fields,
    wgsl: wgsl`struct ${name} {\n${lines.join('')}}\n`,
    align,
    size: roundUp(end, align) / 4,
    at: at as Struct<F>['at'],
  };
}

/** A struct and those within it, inner ones first. */
export function withInner(outer: Struct): Struct[] {
  return [...Object.values(outer.fields).flatMap((type) => (typeof type === 'string' ? [] : withInner(type))), outer];
}

/** An array of structs on the host, as the device gets it. Hot loops write `words` and `floats` at the offsets of `of.at`. */
export class StructArray<F extends Fields> {
  readonly words: Uint32Array<ArrayBuffer>;
  /** The same bytes. */
  readonly floats: Float32Array<ArrayBuffer>;

  constructor(
    readonly of: Struct<F>,
    readonly length: number,
  ) {
    this.words = new Uint32Array(of.size * length);
    this.floats = new Float32Array(this.words.buffer);
  }

  /** Writes all fields of element `i`. */
  set(i: number, value: StructValue<F>): void {
    this.#write(this.of, i * this.of.size, value);
  }

  #write(of: Struct, at: number, value: StructValue<Fields>): void {
    for (const [field, type] of Object.entries(of.fields)) {
      const word = at + of.at[field];
      const each = value[field];
      if (typeof type !== 'string') this.#write(type, word, each as StructValue<Fields>);
      else if (type === 'f32') this.floats[word] = each as number;
      else if (type === 'u32' || type === 'i32') this.words[word] = each as number;
      else this.floats.set(each as ArrayLike<number>, word);
    }
  }

  /** The words of the elements [begin, end). */
  slice(begin: number, end: number): Uint32Array<ArrayBuffer> {
    return this.words.subarray(begin * this.of.size, end * this.of.size);
  }
}
