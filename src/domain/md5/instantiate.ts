/** What this program uses of WebAssembly; the types of Node do not name it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, WasmExport>> };
};

export type WasmExport = (...numbers: readonly number[]) => void;

export interface WasmInstance {
  readonly memory: ArrayBuffer;
  readonly exports: Readonly<Record<string, WasmExport>>;
}

/**
 * An instance of a module of `wasmModule` with a memory of `pages` pages of 64 KiB; `undefined` where the processor lacks
 * an instruction, or the process may not have the room of addresses that goes with such a memory.
 */
export function instantiate(module: Uint8Array<ArrayBuffer>, pages: number): WasmInstance | undefined {
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { memory: { memory } });
    return { memory: memory.buffer, exports };
  } catch {
    return undefined;
  }
}
