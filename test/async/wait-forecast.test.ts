import { expect } from 'chai';
import { WaitForecast } from '../../lib/async/wait-forecast.ts';

describe('WaitForecast', () => {
  let now = 0;
  const begun = () => {
    now = 5_000_000;
    const forecast = new WaitForecast(() => now);
    forecast.ended();
    now += 3_600_000; // an hour of leisure
    forecast.begin();
    return forecast;
  };

  it('goes by the pace of the newest ends since calls wait', () => {
    const forecast = begun();
    for (let n = 0; n < 100; n++) {
      now += n < 50 ? 1 : 400;
      forecast.ended();
    }
    expect(forecast.msUntil(10)).to.equal(4000);
    now += 31 * 400;
    expect(forecast.msUntil(10)).to.equal(8000); // nothing has ended meanwhile
  });

  it('is never below a second nor above half a minute', () => {
    const forecast = begun();
    expect(forecast.msUntil(10)).to.equal(1000);
    now += 10_000;
    expect(forecast.msUntil(64)).to.equal(30_000);
    expect(new WaitForecast().msUntil(5)).to.equal(1000);
  });
});
