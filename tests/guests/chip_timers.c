// SPDX-License-Identifier: MIT
// Chains inside the chip: a timer starts ADC conversions that DMA puts into a ring, a
// timer writes a port by DMA, one timer counts another's updates, the LSI is measured
// by a capture, and SPI is served by DMA in both directions.
#include "tests/guests/guest.h"

#define TIM2            0x40000000u
#define TIM3            0x40000400u
#define TIM5            0x40000C00u
#define TIM6            0x40001000u
#define TIM1            0x40010000u
#define SPI1            0x40013000u
#define ADC1            0x40012000u
#define DMA1            0x40026000u
#define DMA2            0x40026400u
#define CR1(t)          ((t) + 0x00u)
#define CR2(t)          ((t) + 0x04u)
#define SMCR(t)         ((t) + 0x08u)
#define DIER(t)         ((t) + 0x0Cu)
#define SR(t)           ((t) + 0x10u)
#define EGR(t)          ((t) + 0x14u)
#define CCMR2(t)        ((t) + 0x1Cu)
#define CCER(t)         ((t) + 0x20u)
#define CNT(t)          ((t) + 0x24u)
#define ARR(t)          ((t) + 0x2Cu)
#define CCR4(t)         ((t) + 0x40u)
#define OR(t)           ((t) + 0x50u)
#define STREAM_CR(d, n) ((d) + 0x10u + 0x18u * (n))
#define SNDTR(d, n)     ((d) + 0x14u + 0x18u * (n))
#define SPAR(d, n)      ((d) + 0x18u + 0x18u * (n))
#define SM0AR(d, n)     ((d) + 0x1Cu + 0x18u * (n))

enum { IRQ_DMA2_STREAM0 = 56, IRQ_TIM5 = 50 };

static uint16_t samples[8];
static const uint32_t levels[4] = {BIT(13), BIT(29), BIT(13), BIT(29)};
static uint8_t sent[16], received[16];
static volatile uint32_t halves, captures, first_capture, period;

static uint32_t address(const volatile void *p) {
  return (uint32_t)(uintptr_t)p;
}

// --- ADC1 by TIM6, every 100 us ---

static void on_half(void) {
  wr(DMA2 + 8, 0x3D);
  halves++;
}

static void a_timer_samples_into_a_ring(void) {
  set(RCC_APB1ENR, BIT(4));
  set(RCC_APB2ENR, BIT(8));
  set(RCC_AHB1ENR, BIT(22));
  wr(SPAR(DMA2, 0), ADC1 + 0x4C);
  wr(SM0AR(DMA2, 0), address(samples));
  wr(SNDTR(DMA2, 0), 8);
  set_irq(IRQ_DMA2_STREAM0, on_half, 0x20);
  wr(STREAM_CR(DMA2, 0), 1u << 13 | 1u << 11 | BIT(10) | BIT(8) | BIT(4) | BIT(3) | 1);
  wr(ADC1 + 0x34, 17);  // SQR3: VREFINT
  wr(ADC1 + 0x304, BIT(23));
  wr(ADC1 + 8, 1u << 28 | 13u << 24 | BIT(9) | BIT(8) | 1);
  wr(CR2(TIM6), 2u << 4);
  wr(ARR(TIM6), 1599);
  wr(CR1(TIM6), 1);
  while (halves < 4)
    wfi();
  wr(CR1(TIM6), 0);
  check("VREFINT", samples[7], rd(0x1FF0F448) >> 16);
  check("no overrun", rd(ADC1) & BIT(5), 0);
  wr(ADC1 + 8, 0);
  wr(STREAM_CR(DMA2, 0), 0);
}

// --- GPIOJ by TIM1's updates ---

static void a_timer_writes_a_port(void) {
  set(RCC_AHB1ENR, BIT(9));
  set(RCC_APB2ENR, BIT(0));
  set(GPIO('J'), 1u << 26);
  wr(SPAR(DMA2, 5), GPIO('J') + 0x18);
  wr(SM0AR(DMA2, 5), address(levels));
  wr(SNDTR(DMA2, 5), 3);
  wr(STREAM_CR(DMA2, 5), 6u << 25 | 2u << 13 | 2u << 11 | BIT(10) | 1u << 6 | 1);
  wr(ARR(TIM1), 159);
  wr(DIER(TIM1), BIT(8));
  wr(CR1(TIM1), 1);
  while (rd(STREAM_CR(DMA2, 5)) & 1) {
  }
  wr(CR1(TIM1), 0);
  check("the port follows", rd(GPIO('J') + 0x14) & BIT(13), BIT(13));
}

// --- TIM3 counts TIM2's updates ---

static void timers_chain(void) {
  set(RCC_APB1ENR, BIT(0) | BIT(1));
  wr(CR2(TIM2), 2u << 4);
  wr(ARR(TIM2), 99);
  wr(SMCR(TIM3), 1u << 4 | 7);
  wr(ARR(TIM3), 9);
  wr(SR(TIM3), 0);
  wr(CR1(TIM3), 1);
  wr(CR1(TIM2), 1);
  while (!(rd(SR(TIM3)) & 1)) {
  }
  wr(CR1(TIM2), 0);
  check("ten updates", rd(CNT(TIM3)), 0);
}

// --- the LSI on channel 4 of TIM5 ---

static void on_capture(void) {
  const uint32_t now = rd(CCR4(TIM5));
  if (captures++) period = now - first_capture;
  first_capture = now;
}

static void the_lsi_is_measured(void) {
  set(RCC_CSR, 1);
  while (!(rd(RCC_CSR) & 2)) {
  }
  set(RCC_APB1ENR, BIT(3));
  wr(OR(TIM5), 1u << 6);
  wr(CCMR2(TIM5), 1u << 8 | 3u << 10);
  wr(CCER(TIM5), BIT(12));
  wr(DIER(TIM5), BIT(4));
  set_irq(IRQ_TIM5, on_capture, 0x20);
  wr(CR1(TIM5), 1);
  while (captures < 2)
    wfi();
  wr(CR1(TIM5), 0);
  wr(DIER(TIM5), 0);
  check("8 of the LSI's periods", period, 8 * 500);  // 16 MHz / 32 kHz
}

// --- SPI1 ---

static void spi_by_dma(void) {
  set(RCC_APB2ENR, BIT(12));
  wr(SPI1 + 4, BIT(12) | 7u << 8 | BIT(0));
  wr(SPAR(DMA2, 2), SPI1 + 0xC);
  wr(SM0AR(DMA2, 2), address(received));
  wr(SNDTR(DMA2, 2), sizeof received);
  wr(STREAM_CR(DMA2, 2), 3u << 25 | BIT(10) | 1);
  wr(SPAR(DMA2, 3), SPI1 + 0xC);
  wr(SM0AR(DMA2, 3), address(sent));
  wr(SNDTR(DMA2, 3), sizeof sent);
  wr(STREAM_CR(DMA2, 3), 3u << 25 | BIT(10) | 1u << 6 | 1);
  set(SPI1 + 4, BIT(1));
  wr(SPI1, BIT(9) | BIT(8) | BIT(2) | BIT(6) | 2u << 3);
  while (rd(STREAM_CR(DMA2, 2)) & 1) {
  }
  while (rd(SPI1 + 8) & BIT(7)) {
  }
  check("MISO is high", received[0] + received[15], 0x1FE);
  check("all were sent", rd(SNDTR(DMA2, 3)), 0);
}

void guest_main(void) {
  irq_on();
  a_timer_samples_into_a_ring();
  a_timer_writes_a_port();
  timers_chain();
  the_lsi_is_measured();
  spi_by_dma();
}
