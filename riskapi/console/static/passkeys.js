// Asks the device for a passkey and sends what it answers with the form. Only pages about passkeys load it.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const asked = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      if (options[name]) options[name] = options[name].map((each) => ({ ...each, id: bytes(each.id) }));
    }
    return options;
  };

  const answered = (credential) => {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  const ask = async () => {
    const fault = form.querySelector("[data-passkey-fault]");
    fault.hidden = true;
    try {
      if (!navigator.credentials) throw new Error("this browser knows no passkeys here");
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: asked() });
      form.elements.answer.value = answered(credential);
      form.submit();
    } catch (error) {
      fault.textContent = `No passkey was used (${error.name === "InvalidStateError" ? "this device has one already" : error.message}).`;
      fault.hidden = false;
    }
  };

  form.querySelector("[data-passkey-again]").addEventListener("click", ask);
  ask();
})();
