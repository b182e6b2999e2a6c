// `--name value` of a command's arguments, over defaults. A name that isn't known is refused.

export function optionsOf<T extends Record<string, string>>(args: readonly string[], defaults: T): T {
  const options: Record<string, string> = { ...defaults }
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at]?.replace(/^--/, '') ?? ''
    const value = args[at + 1]
    if (!(name in defaults) || value === undefined) {
      throw new Error(
        `known options: ${Object.keys(defaults)
          .map((known) => `--${known} <value>`)
          .join(' ')}`,
      )
    }
    options[name] = value
  }
  return options as T
}
