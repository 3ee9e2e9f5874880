/** What leaves the device and what stays, in plain sentences. */
export function WhatIsSent() {
  return (
    <section class="columns" aria-label="What is sent and what stays">
      <div class="card">
        <h2>What stays on this device</h2>
        <ul>
          <li>Your files. They are read in this page and never sent.</li>
          <li>The key that this browser is known by.</li>
          <li>What the method keeps between rounds.</li>
        </ul>
      </div>
      <div class="card">
        <h2>What is sent to the server</h2>
        <ul>
          <li>
            Model updates: the changes that training makes to the model, their loss and the number of your examples.
            Under secure aggregation all of these are masked, and the server sees sums alone.
          </li>
          <li>How far training is.</li>
          <li>If the run asks for it, the loss and accuracy on your examples.</li>
          <li>The name that you type in, and this device's network address.</li>
        </ul>
        <p class="detail">An update can reveal something about the examples it was computed from.</p>
      </div>
    </section>
  );
}
