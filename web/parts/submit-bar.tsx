// The end of every form: what went wrong, what is being done, and the button.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useWords } from '../settings.tsx'
import type { Submitting } from '../use-form.ts'
import { dollars, useUsage } from '../use-usage.ts'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'

interface SubmitBarProps {
  submitting: Submitting
  /** Files that were chosen are still being read: Start waits for them. */
  isReading?: boolean
  label: string
  hint?: string
  /** What it may cost, in millionths of a dollar. */
  price?: number | undefined
  children?: ComponentChildren
}

export function SubmitBar({ submitting, isReading = false, ...rest }: SubmitBarProps) {
  const { label, hint, price, children } = rest
  const words = useWords()
  const { isRetrying, error } = submitting
  const doing = submitting.doing ?? (isReading ? words.form.preparing : undefined)
  const problem = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (error) problem.current?.scrollIntoView({ block: 'nearest' })
  }, [error])
  return (
    <div class="submit-bar">
      {children}
      <div ref={problem}>{error && <Problem error={error} />}</div>
      <button type="submit" class="button primary big" disabled={doing !== undefined}>
        {doing ?? label}
        {doing === undefined && <Drawn name="arrow" />}
      </button>
      <p class="fine" role="status">
        {isRetrying ? words.frame.retrying : doing === undefined ? hint : ''}
      </p>
      <Price micros={price} />
    </div>
  )
}

const cent = 10_000

/** What it may cost, what is left for today, and whether anything may be started at all. */
function Price({ micros }: { micros: number | undefined }) {
  const { form } = useWords()
  const usage = useUsage()
  const left = usage?.day.left_micros ?? undefined
  const parts = [
    ...(micros === undefined ? [] : [micros > 0 && micros < cent ? form.underCent : form.price(dollars(micros))]),
    ...(left === undefined ? [] : [form.left(dollars(left))]),
    ...(usage?.spending === 'stopped' ? [form.stopped] : []),
  ]
  return parts.length > 0 && <p class="fine price">{parts.join(' · ')}</p>
}

interface SwitchProps {
  label: string
  hint?: string
  checked: boolean
  onChange: (checked: boolean) => void
}

export function Switch({ label, hint, checked, onChange }: SwitchProps) {
  return (
    <label class="switch">
      <input type="checkbox" checked={checked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      <span class="switch-track" aria-hidden="true" />
      <span>
        {label}
        {hint && <span class="fine">{hint}</span>}
      </span>
    </label>
  )
}

interface ChoiceProps<T extends string> {
  name: string
  legend: string
  options: Record<T, string>
  /** None holds yet where it is undefined. */
  value: T | undefined
  onChange: (value: T) => void
  /** One below the other; side by side otherwise. */
  isListed?: boolean
}

/** A few alternatives, of which one holds. */
export function Choice<T extends string>({ name, legend, options, value, onChange, isListed = false }: ChoiceProps<T>) {
  return (
    <fieldset class={`choice ${isListed ? 'listed' : ''}`}>
      <legend class="hidden-text">{legend}</legend>
      {(Object.entries(options) as [T, string][]).map(([option, label]) => (
        <label key={option}>
          <input
            class="hidden-input"
            type="radio"
            name={name}
            checked={option === value}
            onChange={() => onChange(option)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  )
}

interface HowManyProps {
  label: string
  most: number
  count: number
  onCount: (count: number) => void
}

/** A number from one to a few. */
export function HowMany({ label, most, count, onCount }: HowManyProps) {
  return (
    <label class="labelled">
      <span>{label}</span>
      <select
        class="field"
        value={String(count)}
        onChange={({ currentTarget }) => onCount(Number(currentTarget.value))}
      >
        {Array.from({ length: most }, (_, index) => (
          <option key={index} value={String(index + 1)}>
            {index + 1}
          </option>
        ))}
      </select>
    </label>
  )
}
