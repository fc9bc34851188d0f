import { Button, PasswordInput } from "@mantine/core";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";

import { isInForce } from "@/api/client";
import { signIn } from "@/api/session";
import { Command } from "@/ui/Message";

import { Brand } from "./Brand";
import styles from "./SignIn.module.css";

/** Asks for a token and tries it before anything else is shown. */
export function SignIn(props: { wasRefused: boolean }) {
  const { t } = useTranslation();
  const [token, setToken] = useState("");
  const [isTrying, setTrying] = useState(false);
  const [error, setError] = useState(props.wasRefused ? t("session.ended") : null);

  const submit = async () => {
    const wanted = token.trim();
    if (wanted === "") {
      setError(t("session.empty"));
      return;
    }
    setTrying(true);
    try {
      if (await isInForce(wanted)) signIn(wanted);
      else setError(t("session.refused"));
    } catch {
      setError(t("errors.offline"));
    } finally {
      setTrying(false);
    }
  };

  return (
    <main className={styles.page}>
      <form
        className={`card ${styles.form}`}
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Brand />
        <h1>{t("session.title")}</h1>
        <p className="dimmed">{t("session.intro")}</p>
        <PasswordInput
          label={t("session.token")}
          name="token"
          autoComplete="off"
          autoFocus
          spellCheck={false}
          value={token}
          error={error}
          onChange={(event) => {
            setToken(event.currentTarget.value);
            setError(null);
          }}
        />
        <Button type="submit" loading={isTrying} fullWidth>
          {t("session.submit")}
        </Button>
        <p className="dimmed">{t("session.howTo")}</p>
        <Command text="nomaflow tokens create NAME" />
      </form>
    </main>
  );
}
