import { Controller } from '@nestjs/common'
import { EventPattern, MessagePattern } from '@nestjs/microservices'

export interface Basket {
  readonly items: readonly { readonly price: number; readonly count: number }[]
}

@Controller()
export class PriceController {
  readonly discontinued: string[] = []

  /** A request: what is returned goes back to whoever asked. */
  @MessagePattern('price.of-basket')
  priceOfBasket({ items }: Basket): { total: number } {
    return { total: items.reduce((sum, { price, count }) => sum + price * count, 0) }
  }

  /** An event: nobody waits for an answer. */
  @EventPattern('price.discontinued')
  discontinue({ article }: { article: string }): void {
    this.discontinued.push(article)
  }
}
