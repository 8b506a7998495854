// SPDX-License-Identifier: MIT
// Which peripheral request reaches which stream through which channel: RM0410 tables
// 27 and 28, checked against NuttX's stm32f76xx77xx_dma.h. Requests of one cell are
// ORed.
#include <stdlib.h>
#include <string.h>

#include "sim/models/dma_internal.h"

static const struct dma_route dma1[] = {
    {0, 0, "SPI3_RX"},    {1, 0, "SPDIFRX_DT"}, {2, 0, "SPI3_RX"},
    {3, 0, "SPI2_RX"},    {4, 0, "SPI2_TX"},    {5, 0, "SPI3_TX"},
    {6, 0, "SPDIFRX_CS"}, {7, 0, "SPI3_TX"},    {0, 1, "I2C1_RX"},
    {1, 1, "I2C3_RX"},    {2, 1, "TIM7_UP"},    {4, 1, "TIM7_UP"},
    {5, 1, "I2C1_RX"},    {6, 1, "I2C1_TX"},    {7, 1, "I2C1_TX"},
    {0, 2, "TIM4_CH1"},   {2, 2, "I2C4_RX"},    {3, 2, "TIM4_CH2"},
    {5, 2, "I2C4_TX"},    {6, 2, "TIM4_UP"},    {7, 2, "TIM4_CH3"},
    {1, 3, "TIM2_UP"},    {1, 3, "TIM2_CH3"},   {2, 3, "I2C3_RX"},
    {4, 3, "I2C3_TX"},    {5, 3, "TIM2_CH1"},   {6, 3, "TIM2_CH2"},
    {6, 3, "TIM2_CH4"},   {7, 3, "TIM2_UP"},    {7, 3, "TIM2_CH4"},
    {0, 4, "UART5_RX"},   {1, 4, "USART3_RX"},  {2, 4, "UART4_RX"},
    {3, 4, "USART3_TX"},  {4, 4, "UART4_TX"},   {5, 4, "USART2_RX"},
    {6, 4, "USART2_TX"},  {7, 4, "UART5_TX"},   {0, 5, "UART8_TX"},
    {1, 5, "UART7_TX"},   {2, 5, "TIM3_CH4"},   {2, 5, "TIM3_UP"},
    {3, 5, "UART7_RX"},   {4, 5, "TIM3_CH1"},   {4, 5, "TIM3_TRIG"},
    {5, 5, "TIM3_CH2"},   {6, 5, "UART8_RX"},   {7, 5, "TIM3_CH3"},
    {0, 6, "TIM5_CH3"},   {0, 6, "TIM5_UP"},    {1, 6, "TIM5_CH4"},
    {1, 6, "TIM5_TRIG"},  {2, 6, "TIM5_CH1"},   {3, 6, "TIM5_CH4"},
    {3, 6, "TIM5_TRIG"},  {4, 6, "TIM5_CH2"},   {6, 6, "TIM5_UP"},
    {1, 7, "TIM6_UP"},    {2, 7, "I2C2_RX"},    {3, 7, "I2C2_RX"},
    {4, 7, "USART3_TX"},  {5, 7, "DAC1"},       {6, 7, "DAC2"},
    {7, 7, "I2C2_TX"},    {0, 8, "I2C3_TX"},    {1, 8, "I2C4_RX"},
    {4, 8, "I2C2_TX"},    {6, 8, "I2C4_TX"},    {1, 9, "SPI2_RX"},
    {6, 9, "SPI2_TX"},
};

static const struct dma_route dma2[] = {
    {0, 0, "ADC1"},        {1, 0, "SAI1_A"},      {2, 0, "TIM8_CH1"},
    {2, 0, "TIM8_CH2"},    {2, 0, "TIM8_CH3"},    {3, 0, "SAI1_A"},
    {4, 0, "ADC1"},        {5, 0, "SAI1_B"},      {6, 0, "TIM1_CH1"},
    {6, 0, "TIM1_CH2"},    {6, 0, "TIM1_CH3"},    {7, 0, "SAI2_B"},
    {1, 1, "DCMI"},        {2, 1, "ADC2"},        {3, 1, "ADC2"},
    {4, 1, "SAI1_B"},      {5, 1, "SPI6_TX"},     {6, 1, "SPI6_RX"},
    {7, 1, "DCMI"},        {0, 2, "ADC3"},        {1, 2, "ADC3"},
    {3, 2, "SPI5_RX"},     {4, 2, "SPI5_TX"},     {5, 2, "CRYP_OUT"},
    {6, 2, "CRYP_IN"},     {7, 2, "HASH_IN"},     {0, 3, "SPI1_RX"},
    {2, 3, "SPI1_RX"},     {3, 3, "SPI1_TX"},     {4, 3, "SAI2_A"},
    {5, 3, "SPI1_TX"},     {6, 3, "SAI2_B"},      {7, 3, "QUADSPI"},
    {0, 4, "SPI4_RX"},     {1, 4, "SPI4_TX"},     {2, 4, "USART1_RX"},
    {3, 4, "SDMMC1"},      {5, 4, "USART1_RX"},   {6, 4, "SDMMC1"},
    {7, 4, "USART1_TX"},   {1, 5, "USART6_RX"},   {2, 5, "USART6_RX"},
    {3, 5, "SPI4_RX"},     {4, 5, "SPI4_TX"},     {6, 5, "USART6_TX"},
    {7, 5, "USART6_TX"},   {0, 6, "TIM1_TRIG"},   {1, 6, "TIM1_CH1"},
    {2, 6, "TIM1_CH2"},    {3, 6, "TIM1_CH1"},    {4, 6, "TIM1_CH4"},
    {4, 6, "TIM1_TRIG"},   {4, 6, "TIM1_COM"},    {5, 6, "TIM1_UP"},
    {6, 6, "TIM1_CH3"},    {1, 7, "TIM8_UP"},     {2, 7, "TIM8_CH1"},
    {3, 7, "TIM8_CH2"},    {4, 7, "TIM8_CH3"},    {5, 7, "SPI5_RX"},
    {6, 7, "SPI5_TX"},     {7, 7, "TIM8_CH4"},    {7, 7, "TIM8_TRIG"},
    {7, 7, "TIM8_COM"},    {0, 8, "DFSDM1_FLT0"}, {1, 8, "DFSDM1_FLT1"},
    {2, 8, "DFSDM1_FLT2"}, {3, 8, "DFSDM1_FLT3"}, {4, 8, "DFSDM1_FLT0"},
    {5, 8, "DFSDM1_FLT1"}, {6, 8, "DFSDM1_FLT2"}, {7, 8, "DFSDM1_FLT3"},
    {0, 9, "JPEG_IN"},     {1, 9, "JPEG_OUT"},    {2, 9, "SPI4_TX"},
    {3, 9, "JPEG_IN"},     {4, 9, "JPEG_OUT"},    {5, 9, "SPI5_RX"},
    {0, 10, "SAI1_B"},     {1, 10, "SAI2_B"},     {2, 10, "SAI2_A"},
    {6, 10, "SAI1_A"},     {0, 11, "SDMMC2"},     {2, 11, "QUADSPI"},
    {5, 11, "SDMMC2"},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))
_Static_assert(COUNT(dma1) <= DMA_ROUTES && COUNT(dma2) <= DMA_ROUTES, "more routes");

struct dma_routes dma_routes_of(unsigned number) {
  if (number == 1) return (struct dma_routes){dma1, COUNT(dma1)};
  return (struct dma_routes){dma2, COUNT(dma2)};
}

// A request's number is that of its first route; the count if it has none.
static unsigned request_number(const struct dma *d, const char *name) {
  const struct dma_routes routes = dma_routes_of(d->number);
  unsigned i = 0;
  while (i < routes.count && strcmp(routes.route[i].request, name) != 0)
    i++;
  return i;
}

void dma_find_sources(struct dma *d, struct dma_stream *s) {
  const struct dma_routes routes = dma_routes_of(d->number);
  const unsigned channel = SIM_GET(s->cr, SIM_DMA_SCR_CHSEL);
  const unsigned stream = dma_index(d, s);
  s->source_count = 0;
  for (unsigned i = 0; i < routes.count; i++) {
    const struct dma_route *r = &routes.route[i];
    if (r->stream != stream || r->channel != channel) continue;
    s->sources[s->source_count++] = (uint8_t)request_number(d, r->request);
  }
}

bool dma_requested(const struct dma *d, const struct dma_stream *s) {
  for (unsigned i = 0; i < s->source_count; i++) {
    if (d->request[s->sources[i]]) return true;
  }
  return false;
}

static void set_request(void *ctx, unsigned number, bool level) {
  struct dma *d = ctx;
  if (d->request[number] == level) return;
  d->request[number] = level;
  dma_kick(d);
}

static void pulse_request(void *ctx, unsigned number) {
  struct dma *d = ctx;
  d->request[number] = d->once[number] = true;
  dma_kick(d);
}

void dma_acknowledge(struct dma *d, const struct dma_stream *s) {
  for (unsigned i = 0; i < s->source_count; i++) {
    const unsigned number = s->sources[i];
    if (d->once[number]) d->request[number] = d->once[number] = false;
  }
}

bool dma_has_request(const struct dma *d, const char *name) {
  return request_number(d, name) < dma_routes_of(d->number).count;
}

static unsigned must_have(const struct dma *d, const char *name) {
  const unsigned number = request_number(d, name);
  if (number == dma_routes_of(d->number).count) abort();
  return number;
}

struct dma_line dma_request_line(struct dma *d, const char *name) {
  const unsigned number = must_have(d, name);
  d->wired[number] = true;
  return (struct dma_line){
      .set = set_request, .pulse = pulse_request, .ctx = d, .number = number};
}

void dma_last_request(struct dma *d, const char *name) {
  const unsigned number = must_have(d, name);
  for (unsigned i = 0; i < DMA_STREAMS; i++) {
    struct dma_stream *s = &d->streams[i];
    if (!dma_cr(s, SIM_DMA_SCR_EN) || !dma_cr(s, SIM_DMA_SCR_PFCTRL)) continue;
    for (unsigned k = 0; k < s->source_count; k++) {
      if (s->sources[k] == number) dma_stop(d, s);
    }
  }
}
