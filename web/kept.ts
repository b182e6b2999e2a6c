// Small things kept in the browser between visits. Where it keeps nothing (a private window, a full disk) they last as long as the page.
const fallback = new Map<string, string>()
const prefix = 'stepgate.'

export function kept(name: string): string | undefined {
  try {
    return localStorage.getItem(prefix + name) ?? fallback.get(name)
  } catch {
    return fallback.get(name)
  }
}

export function keep(name: string, value: string): void {
  fallback.set(name, value)
  try {
    localStorage.setItem(prefix + name, value)
  } catch (error) {
    console.warn('The browser keeps nothing:', error)
  }
}

export function unkeep(name: string): void {
  fallback.delete(name)
  try {
    localStorage.removeItem(prefix + name)
  } catch (error) {
    console.warn('The browser keeps nothing:', error)
  }
}
