import { connect, type Socket } from 'node:net';

/** How the bytes of a case go out, and what the client does then. */
export interface Manner {
  /** All at once, one by one, or in pieces of these lengths, over and over. */
  readonly pieceBytes: readonly number[];
  /**
   * `open`: listens. `half`: says that nothing more comes. `destroy`: goes away. `endless`: goes on sending chunks for a
   * while, then goes away.
   */
  readonly end: 'open' | 'half' | 'destroy' | 'endless';
}

export interface Heard {
  /** One character a byte. */
  readonly text: string;
  /** The server closed the connection before the client had ended it. */
  readonly isClosedByServer: boolean;
}

/** How long a body goes on that never ends, in milliseconds. */
const ENDLESS_MS = 60;
const ENDLESS_PIECE = Buffer.from('5\r\nhello\r\n'.repeat(20));

export interface ConverseOptions extends Manner {
  readonly port: number;
  /** Whether what came is all that can come; the client ends an open connection then. */
  readonly isEnough: (text: string) => boolean;
  /** Longest that the server may keep the connection once all is sent, in milliseconds. */
  readonly closeMsMax: number;
}

/** Sends `bytes` on a connection of their own; what came back. Throws where the server leaves it open for too long. */
export async function converse(bytes: Buffer, options: ConverseOptions): Promise<Heard> {
  const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const pieces: Buffer[] = [];
  let isEnded = false;
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const heard = () => Buffer.concat(pieces).toString('latin1');
  let isAllSent = false;
  const endWhenEnough = () => {
    if (isEnded || !isAllSent || options.end !== 'open' || !options.isEnough(heard())) return;
    isEnded = true;
    socket.end();
  };
  let isClosedByServer = false;
  socket.on('data', (piece) => {
    pieces.push(piece);
    endWhenEnough();
  });
  socket.on('end', () => {
    isClosedByServer = !isEnded;
    socket.end();
  });
  // A server that closes on what it refuses resets the connection where more is under way.
  socket.on('error', () => {
    isClosedByServer ||= !isEnded;
  });
  socket.on('close', () => close());
  try {
    await send(socket, bytes, options.pieceBytes);
    isAllSent = true;
    if (options.end === 'half') socket.end();
    if (options.end === 'endless') await sendEndlessly(socket);
    if (options.end === 'destroy' || options.end === 'endless') return { text: heard(), isClosedByServer: false };
    isEnded = options.end === 'half';
    endWhenEnough();
    await within(closed, options.closeMsMax);
    return { text: heard(), isClosedByServer };
  } finally {
    socket.destroy();
  }
}

async function send(socket: Socket, bytes: Buffer, pieceBytes: readonly number[]): Promise<void> {
  let count = 0;
  for (let at = 0; at < bytes.length && !socket.destroyed; count++) {
    const length = pieceBytes[count % pieceBytes.length] ?? bytes.length;
    socket.write(bytes.subarray(at, at + length));
    at += length;
    await turn();
  }
}

async function sendEndlessly(socket: Socket): Promise<void> {
  const untilMs = performance.now() + ENDLESS_MS;
  while (performance.now() < untilMs && !socket.destroyed) {
    if (!socket.writableNeedDrain) socket.write(ENDLESS_PIECE);
    await turn();
  }
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function within(closed: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The server left the connection open for ${ms} ms.`)), ms);
  });
  try {
    await Promise.race([closed, late]);
  } finally {
    clearTimeout(timer);
  }
}
