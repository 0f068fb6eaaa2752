/** Times as HTTP writes them; whoever asks for one second often asks for it again. */
export class HttpDates {
  #second = 0;
  #text = new Date(0).toUTCString();

  /** Fractions of a second are dropped. Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
  text(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
