// The little of protocol buffers that the device services speak: varints, tagged fields, and the
// frames of the messaging connection (a tag octet, a varint length, a message).

export function varint(value) {
  const octets = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    octets.push(rest ? low | 128 : low);
  } while (rest);
  return Buffer.from(octets);
}

export const field = {
  number: (id, value) => Buffer.concat([varint(id << 3), varint(value)]),
  fixed64: (id, value) => {
    const octets = Buffer.alloc(8);
    octets.writeBigUInt64LE(BigInt(value));
    return Buffer.concat([varint((id << 3) | 1), octets]);
  },
  bytes: (id, value) => {
    const octets = Buffer.from(value);
    return Buffer.concat([varint((id << 3) | 2), varint(octets.length), octets]);
  },
};

export const frame = (tag, message) => Buffer.concat([Buffer.from([tag]), varint(message.length), message]);

/** Takes the frames off the front of `buffer`: answers them and what is left. */
export function takeFrames(buffer) {
  const frames = [];
  for (;;) {
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7, at += 1) {
      if (at >= buffer.length) return { frames, rest: buffer };
      length |= (buffer[at] & 127) << shift;
      if (!(buffer[at] & 128)) break;
    }
    const start = at + 1;
    if (buffer.length < start + length) return { frames, rest: buffer };
    frames.push({ tag: buffer[0], message: buffer.subarray(start, start + length) });
    buffer = buffer.subarray(start + length);
  }
}

/** Reads the fields of a message into a map of id → [values]; nested messages stay octets. */
export function readFields(message) {
  const fields = new Map();
  let at = 0;
  const number = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const octet = message[at++];
      value |= BigInt(octet & 127) << shift;
      if (!(octet & 128)) return value;
    }
  };
  while (at < message.length) {
    const key = Number(number());
    let value;
    if ((key & 7) === 0) value = number();
    else if ((key & 7) === 1) value = message.subarray(at, (at += 8));
    else if ((key & 7) === 2) {
      const length = Number(number());
      value = message.subarray(at, (at += length));
    } else if ((key & 7) === 5) value = message.subarray(at, (at += 4));
    else break;
    const id = key >> 3;
    fields.set(id, [...(fields.get(id) ?? []), value]);
  }
  return fields;
}
