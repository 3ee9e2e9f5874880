import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A link to a machine far away. */
export interface LinkSettings {
  /** Milliseconds of a round trip. */
  readonly roundTripMs: number;
  /** In each direction, over all connections. */
  readonly bytesPerSecond: number;
}

/** Bytes on their way or in front of the link, per connection and direction: twice what the link itself holds. */
const windowOf = ({ roundTripMs, bytesPerSecond }: LinkSettings) => (2 * bytesPerSecond * roundTripMs) / 1000;

/** A TCP proxy on this machine that behaves as a distant link: bytes arrive late, and only so many per second. */
export class DistantLink implements AsyncDisposable {
  readonly port: number;
  readonly #close: () => Promise<void>;
  #target = 0;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  static async open(settings: LinkSettings): Promise<DistantLink> {
    const sockets = new Set<Socket>();
    const [up, down] = [new Lane(settings), new Lane(settings)];
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: link.#target, host: "127.0.0.1", noDelay: true });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      up.carry(near, far);
      down.carry(far, near);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const link = new DistantLink((server.address() as AddressInfo).port, async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    });
    return link;
  }

  /** Port of this machine that connections lead to. */
  leadTo(port: number): void {
    this.#target = port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** One direction: connections share its bandwidth in the order in which bytes come. */
class Lane {
  readonly #settings: LinkSettings;
  /** When the last byte that was put on the link has left its near end. */
  #free = 0;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  carry(from: Socket, to: Socket): void {
    const { roundTripMs, bytesPerSecond } = this.#settings;
    const most = windowOf(this.#settings);
    const queue: { readonly due: number; readonly bytes: Buffer | undefined }[] = [];
    let waiting = 0;
    let timer: NodeJS.Timeout | undefined;
    const deliver = () => {
      timer = undefined;
      while (queue.length > 0 && queue[0]!.due <= performance.now()) {
        const { bytes } = queue.shift()!;
        if (bytes === undefined) to.end();
        else {
          to.write(bytes);
          waiting -= bytes.length;
        }
      }
      if (waiting < most) from.resume();
      if (queue.length > 0) timer = setTimeout(deliver, Math.max(0, queue[0]!.due - performance.now()));
    };
    const send = (bytes: Buffer | undefined) => {
      const length = bytes?.length ?? 0;
      this.#free = Math.max(this.#free, performance.now()) + (length / bytesPerSecond) * 1000;
      queue.push({ due: this.#free + roundTripMs / 2, bytes });
      waiting += length;
      if (waiting >= most) from.pause();
      timer ??= setTimeout(deliver, Math.max(0, queue[0]!.due - performance.now()));
    };
    from.on("data", send);
    from.on("end", () => send(undefined));
    from.on("close", () => clearTimeout(timer));
  }
}
