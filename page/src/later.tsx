/** A section whose code is loaded when it comes near the window. */
import { type ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface Props {
  id: string;
  title: string;
  load: () => Promise<ComponentType>;
}

export function Later({ id, title, load }: Props) {
  const place = useRef<HTMLElement>(null);
  const [Section, setSection] = useState<ComponentType | undefined>();
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    const near = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        near.disconnect();
        load().then(
          (loaded) => setSection(() => loaded),
          () => setMissing(true),
        );
      },
      { rootMargin: '600px' },
    );
    near.observe(place.current!);
    return () => near.disconnect();
  }, []);
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`} ref={place}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
      </header>
      {Section && <Section />}
      {isMissing && <p class="refusal">This part of the page could not be loaded. Reload the page when the network is there again.</p>}
    </section>
  );
}
