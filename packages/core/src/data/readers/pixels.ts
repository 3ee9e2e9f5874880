/** A decoded picture: interleaved bytes [height, width, channels] with 1 to 4 channels (grey, grey+alpha, RGB, RGBA). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}
