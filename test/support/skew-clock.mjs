// Preloaded into a server whose clock is to be wrong: `TEST_CLOCK_SKEW_MS` milliseconds ahead of the machine's.
const skewMs = Number(process.env.TEST_CLOCK_SKEW_MS ?? 0);
const MachineDate = globalThis.Date;

globalThis.Date = class extends MachineDate {
  constructor(...given) {
    if (given.length === 0) super(MachineDate.now() + skewMs);
    else super(...given);
  }

  static now() {
    return MachineDate.now() + skewMs;
  }
};
