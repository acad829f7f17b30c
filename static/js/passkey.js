// Asks the browser for a passkey, then sends the form with what it gave.

const CANCELLED = ["AbortError", "NotAllowedError"];

async function optionsFor(form) {
  const drawn = form.querySelector("#passkey-options");
  if (drawn) {
    const options = JSON.parse(drawn.textContent);
    return (options.creation_options ?? options.request_options).publicKey;
  }
  const answer = await fetch(form.getAttribute("action"), { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`Answer ${answer.status}`);
  return (await answer.json()).request_options.publicKey;
}

async function create(form) {
  const options = await optionsFor(form);
  const isAlone = form.elements.passwordless?.checked;
  if (isAlone !== undefined) {
    options.authenticatorSelection = {
      ...options.authenticatorSelection,
      residentKey: isAlone ? "required" : "discouraged",
      requireResidentKey: isAlone,
      userVerification: isAlone ? "required" : "preferred",
    };
  }
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return navigator.credentials.create({ publicKey });
}

async function get(form) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await optionsFor(form));
  return navigator.credentials.get({ publicKey });
}

export function bind(form) {
  const said = form.querySelector("[data-said]");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.hidden = true;
    try {
      const ceremony = form.dataset.ceremony === "create" ? create : get;
      form.elements.credential.value = JSON.stringify(await ceremony(form));
      form.submit();
    } catch (error) {
      said.textContent = CANCELLED.includes(error.name)
        ? "No passkey was given. Try again, or use another way."
        : "This browser could not use a passkey here.";
      said.hidden = false;
    }
  });
}
