/** The settings, and what is wrong with them. */
import { type Knob, KNOBS, refusals, typed } from '../knobs.js';
import { train } from '../session.js';

function Field({ knob: { name, label, hint, inputMode } }: { knob: Knob }) {
  const refusal = refusals.value[name];
  const id = `knob-${name}`;
  const value = typed[name];
  const change = (text: string) => (value.value = text);
  const described = { 'aria-describedby': `${id}-hint`, 'aria-invalid': refusal !== undefined };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {name === 'bias' ? (
        <input
          id={id}
          type="checkbox"
          checked={value.value === 'yes'}
          {...described}
          onChange={(event) => change(event.currentTarget.checked ? 'yes' : 'no')}
        />
      ) : (
        <input
          id={id}
          type="text"
          inputMode={inputMode}
          autocomplete="off"
          spellcheck={false}
          value={value.value}
          {...described}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
      <p id={`${id}-hint`} class={refusal === undefined ? 'hint' : 'hint refusal'}>
        {refusal ?? hint}
      </p>
    </div>
  );
}

export function KnobsPanel() {
  return (
    <section class="panel" aria-labelledby="knobs-title" id="knobs">
      <header>
        <h2 id="knobs-title">Settings</h2>
        <button
          id="reset-button"
          onClick={() => {
            for (const { name, usual } of KNOBS) typed[name].value = usual;
          }}
        >
          Reset
        </button>
      </header>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void train();
        }}
      >
        {KNOBS.map((knob) => (
          <Field knob={knob} key={knob.name} />
        ))}
        <button class="visually-hidden" tabIndex={-1} type="submit" aria-hidden="true" />
      </form>
      <p class="note">They are part of this page’s address: copy it, and others start where you are.</p>
    </section>
  );
}
