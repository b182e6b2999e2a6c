// What recipes read out of a provider's output, which may be one address or a list of them; versions of a model can change that.

/** The first address of an output that is a URL or a list of URLs; a list of none for any other. */
export function firstUrl(output: unknown): string[] {
  return [output]
    .flat()
    .filter((url) => typeof url === 'string')
    .slice(0, 1)
}
