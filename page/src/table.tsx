/** A table that scrolls where it is too large, by keyboard too. */
import type { ComponentChildren } from 'preact';

interface Props {
  /** What it shows, for screen readers. */
  label: string;
  head: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
  id?: string;
}

export function Table({ label, head, rows, id }: Props) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table id={id}>
        <thead>
          <tr>
            {head.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, k) => (
            <tr key={k}>
              {row.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
