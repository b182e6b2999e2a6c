// The memes form: a few lines, each of which becomes a picture.
import { useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import { Form, useFocusAfterRemoval } from '../parts/form.tsx'
import { Drawn } from '../parts/icons.tsx'
import { SubmitBar } from '../parts/submit-bar.tsx'
import { mostPrompts, priceOf, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { useSubmit } from '../use-form.ts'

export function MemesForm() {
  const words = useWords()
  const { form } = words
  const [lines, change] = useDraft<string[]>('memes', [''])
  const [isTried, setTried] = useState(false)
  const prompts = lines.map((line) => line.trim()).filter(Boolean)
  const submitting = useSubmit('memes', prompts)
  const missing = prompts.length === 0 ? form.needPrompt : undefined
  const { container, onRemoved } = useFocusAfterRemoval<HTMLDivElement>()
  const submit = () => {
    setTried(true)
    if (missing) return
    const request = () => ({ recipe: 'memes' as const, prompts })
    submitting.submit({
      ...{ pictures: [], request, remembered: { garments: [], draft: lines } },
      onStarted: () => dropDraft('memes'),
    })
  }
  return (
    <Form onSubmit={submit}>
      <div class="form" ref={container}>
        {lines.map((line, index) => (
          <div class="line" key={index}>
            <input
              class="field"
              type="text"
              maxLength={500}
              aria-label={form.prompt(index + 1)}
              placeholder={form.promptPlaceholder}
              value={line}
              onInput={({ currentTarget }) => change((before) => before.with(index, currentTarget.value))}
            />
            {lines.length > 1 && (
              <button
                type="button"
                class="icon-button"
                aria-label={form.remove(form.prompt(index + 1))}
                data-remove
                onClick={() => {
                  onRemoved(index)
                  change((before) => before.toSpliced(index, 1))
                }}
              >
                <Drawn name="close" />
              </button>
            )}
          </div>
        ))}
      </div>
      {lines.length < mostPrompts && (
        <button type="button" class="button" onClick={() => change((before) => [...before, ''])}>
          <Drawn name="plus" />
          {form.addPrompt}
        </button>
      )}
      <SubmitBar
        submitting={submitting}
        label={form.start(prompts.length)}
        price={priceOf('memes', prompts.length)}
        missing={isTried ? missing : undefined}
        hint={prompts.length > 0 ? form.about(inWords(prompts.length * usualSeconds('memes'), words)) : ''}
      />
    </Form>
  )
}
